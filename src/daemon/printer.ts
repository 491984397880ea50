import { Payloads } from '../delivery/payload.ts'
import { jsonConverter } from '../values/to-json.ts'
import type { TextToJson } from '../values/types.ts'
import type { LiveConfig } from './live-config.ts'
import type { RunSettings } from './prepare.ts'

/** Turns cells into JSON and changes into bodies, by the types of the catalog as it is now. */
export class Printer {
  readonly #config: LiveConfig
  readonly #settings: Pick<RunSettings, 'maxPayloadBytes'>
  #convert!: (typeOid: number) => TextToJson
  #payloads!: Payloads

  constructor(config: LiveConfig, settings: Pick<RunSettings, 'maxPayloadBytes'>) {
    this.#config = config
    this.#settings = settings
    this.renew()
  }

  get payloads(): Payloads {
    return this.#payloads
  }

  /** The flag beats the file. */
  get maxPayloadBytes(): number {
    return this.#settings.maxPayloadBytes ?? this.#config.delivery.maxPayloadBytes
  }

  toJson(typeOid: number): TextToJson {
    return this.#convert(typeOid)
  }

  /** The configuration or the catalog is another one. */
  renew(): void {
    this.#convert = jsonConverter((oid) => this.#config.catalog.types.get(oid))
    this.#payloads = new Payloads((oid) => this.#convert(oid), { maxBytes: this.maxPayloadBytes })
  }
}
