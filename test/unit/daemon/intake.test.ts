import { describe, expect, test } from 'vitest'
import { Intake } from '../../../src/daemon/intake.ts'

function anIntake() {
  const seen: string[] = []
  const failures: unknown[] = []
  const intake: Intake = new Intake({
    flow: { pause: () => seen.push('pause'), resume: () => seen.push('resume') },
    decode: (message, lsn) => seen.push(`${lsn} ${message.toString()}`),
    notice: (text) => seen.push(`notice ${text}`),
    failed: (error) => failures.push(error),
  })
  return { intake, seen, failures }
}

describe('the intake', () => {
  test('passes messages on at once', () => {
    const { intake, seen } = anIntake()
    intake.push(Buffer.from('a'), '0/1')
    expect(seen).toEqual(['0/1 a'])
  })

  test('keeps copies while it is held, and passes them on in order with the notices between them', async () => {
    const { intake, seen } = anIntake()
    const ready = Promise.withResolvers<void>()
    const shared = Buffer.from('a')
    intake.hold(ready.promise)
    intake.push(shared, '0/1')
    intake.pushNotice('NaN ahead')
    shared.write('b') // the connection reuses its buffer
    intake.push(shared, '0/2')
    expect(seen).toEqual(['pause'])

    ready.resolve()
    await ready.promise

    expect(seen).toEqual(['pause', '0/1 a', 'notice NaN ahead', '0/2 b', 'resume'])
  })

  test('a message that asks for another hold keeps the rest behind it', async () => {
    const first = Promise.withResolvers<void>()
    const second = Promise.withResolvers<void>()
    const seen: string[] = []
    const intake: Intake = new Intake({
      flow: { pause: () => undefined, resume: () => seen.push('resume') },
      decode: (_message, lsn) => {
        seen.push(lsn)
        if (lsn === '0/1') intake.hold(second.promise)
      },
      notice: () => undefined,
      failed: () => undefined,
    })
    intake.hold(first.promise)
    intake.push(Buffer.from('a'), '0/1')
    intake.push(Buffer.from('b'), '0/2')

    first.resolve()
    await first.promise
    expect(seen).toEqual(['0/1'])
    intake.push(Buffer.from('c'), '0/3')

    second.resolve()
    await second.promise
    expect(seen).toEqual(['0/1', '0/2', '0/3', 'resume'])
  })

  test('reports what it waited for in vain', async () => {
    const { intake, failures } = anIntake()
    const broken = new Error('the catalog cannot be read')
    intake.hold(Promise.reject(broken))
    await Promise.resolve()
    await Promise.resolve()
    expect(failures).toEqual([broken])
  })
})
