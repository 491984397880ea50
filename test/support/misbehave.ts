/**
 * Loaded into a hookd under test with `--import`: on SIGUSR2 it does what the variable TEST_FAULT names, which is what a
 * bug in hookd or in a library could do.
 */
const FAULTS: Readonly<Record<string, () => void>> = {
  throw() {
    throw new Error('a planted exception')
  },
  reject() {
    void Promise.reject(new Error('a planted rejection'))
  },
  /** Nothing else happens in the process for so long that its slot goes to somebody else. */
  block() {
    const end = performance.now() + 3000
    while (performance.now() < end);
  },
}

process.on('SIGUSR2', () => FAULTS[process.env['TEST_FAULT'] ?? '']?.())
