import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atEnd } from '../../support/at-end.ts'

export interface Certificate {
  readonly key: string
  readonly cert: string
}

/** Makes certificates with the openssl program, in a directory of its own. */
export class Certificates {
  readonly ca: Certificate
  readonly #directory = mkdtempSync(join(tmpdir(), 'hookd-certificates-'))
  #count = 0

  constructor() {
    atEnd(() => Promise.resolve(rmSync(this.#directory, { recursive: true, force: true })))
    this.ca = this.#selfSigned()
  }

  /** A certificate of the CA; a negative number of days makes one that has expired. */
  issue(altName: string, days = 1, newKey: readonly string[] = NEW_KEY): Certificate {
    const name = this.#path()
    writeFileSync(`${name}.ext`, `subjectAltName=${altName}\n`)
    const subject = ['-subj', '/CN=leaf.example']
    this.#openssl('req', '-new', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, ...subject)
    const issuer = [
      '-CA',
      join(this.#directory, 'ca.crt'),
      '-CAkey',
      join(this.#directory, 'ca.key'),
      '-CAcreateserial',
    ]
    const validity = ['-days', String(days), '-extfile', `${name}.ext`]
    this.#openssl('x509', '-req', '-in', `${name}.csr`, ...issuer, ...validity, '-out', `${name}.crt`)
    return read(name)
  }

  #selfSigned(): Certificate {
    const name = join(this.#directory, 'ca')
    const subject = ['-subj', '/CN=hookd test CA', '-days', '2']
    this.#openssl('req', '-x509', ...NEW_KEY, '-keyout', `${name}.key`, '-out', `${name}.crt`, ...subject)
    return read(name)
  }

  #path(): string {
    return join(this.#directory, String(this.#count++))
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { stdio: 'pipe' })
  }
}

/** A kind of key that no client of today takes. */
export const WEAK_KEY = ['-newkey', 'rsa:1024', '-nodes']
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

function read(name: string): Certificate {
  return { key: readFileSync(`${name}.key`, 'utf8'), cert: readFileSync(`${name}.crt`, 'utf8') }
}
