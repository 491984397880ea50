import { afterAll, onTestFinished } from 'vitest'

const endOfFile: (() => Promise<unknown>)[] = []

afterAll(async () => {
  for (const action of endOfFile.splice(0).reverse()) await action()
})

/**
 * Runs `action` when the current test ends, or at the end of the file if no test runs now (in `beforeAll`).
 *
 * The last one registered runs first; every action must bear that the test has already done it.
 */
export function atEnd(action: () => Promise<unknown>): void {
  try {
    onTestFinished(async () => {
      await action()
    })
  } catch {
    endOfFile.push(action)
  }
}

/** Runs `action` at the end of the file, wherever it is called; otherwise as `atEnd`. */
export function atEndOfFile(action: () => Promise<unknown>): void {
  endOfFile.push(action)
}
