import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Order, Report } from './sink-messages.ts'

type Mark = Extract<Report, { kind: 'mark' }>
type Done = Extract<Report, { kind: 'done' }>

/** What is awaited of one run. */
export interface Arrivals {
  readonly mark: Promise<Mark>
  readonly done: Promise<Done>
}

export interface Sink {
  readonly pid: number
  /** One endpoint for each port. */
  readonly urls: readonly string[]
  /** Starts all counts again. */
  expect(order: Partial<Order> & Pick<Order, 'total'>): Arrivals
  close(): Promise<void>
}

const NOTHING_SPECIAL = { markAt: 1, uncounted: [], hanging: [], failForMs: 0, latency: false }

/** Starts the sink's process, with so many endpoints. */
export async function startSink(ports: number): Promise<Sink> {
  const child = fork(fileURLToPath(new URL('sink.ts', import.meta.url)), [String(ports)], { serialization: 'advanced' })
  const listeners = new Set<(report: Report) => void>()
  child.on('message', (report) => {
    for (const listener of listeners) listener(report as Report)
  })
  const first = <K extends Report['kind']>(kind: K) =>
    new Promise<Extract<Report, { kind: K }>>((resolve) => {
      const listener = (report: Report) => {
        if (report.kind !== kind) return
        listeners.delete(listener)
        resolve(report as Extract<Report, { kind: K }>)
      }
      listeners.add(listener)
    })
  const { ports: numbers } = await first('open')
  return {
    pid: child.pid!,
    urls: numbers.map((port) => `http://127.0.0.1:${port}/`),
    expect(order) {
      listeners.clear()
      child.send({ ...NOTHING_SPECIAL, ...order } satisfies Order)
      return { mark: first('mark'), done: first('done') }
    },
    async close() {
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}
