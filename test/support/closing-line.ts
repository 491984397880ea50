import type { Reporter, TestModule } from 'vitest/node'

/**
 * Ends the output with `N passed, N failed` on a line of its own; a file that did not load counts as one failure, and so
 * does a describe whose hook failed.
 */
export default class ClosingLine implements Reporter {
  #line = '0 passed, 1 failed' // the run broke off before its end

  onInit(): void {
    process.once('exit', () => process.stdout.write(`${this.#line}\n`))
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandledErrors.length }
    for (const module of modules) {
      if (module.errors().length > 0) count.failed += 1
      for (const suite of module.children.allSuites()) if (suite.errors().length > 0) count.failed += 1
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed' || state === 'failed') count[state] += 1
      }
    }
    this.#line = `${count.passed} passed, ${count.failed} failed`
  }
}
