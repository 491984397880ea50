/** One thing to fix in hookd.yaml. */
export interface ConfigProblem {
  readonly file: string
  /** 1-based. */
  readonly line: number
  /** 1-based, in UTF-16 code units. */
  readonly column: number
  /** What is wrong and what to write instead, without secrets. */
  readonly message: string
  /** The line itself; null where it may hold a secret. */
  readonly excerpt: string | null
}

interface Finding {
  readonly at: number
  readonly message: string
}

/** Collects what is wrong with a file, by 0-based offset into its text. */
export class Problems {
  readonly #file: string
  readonly #text: string
  /** Offset at which each line starts. */
  readonly #starts: number[] = [0]
  #found: Finding[] = []
  #warnings: Finding[] = []
  readonly #hiddenLines = new Set<number>()

  constructor(file: string, text: string) {
    this.#file = file
    this.#text = text
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) this.#starts.push(end + 1)
  }

  /** Notes a problem; a second one with the same words at the same place is dropped. */
  report(at: number, message: string): void {
    add(this.#found, { at, message })
  }

  /** Notes what is worth knowing and no reason to refuse the file. */
  warn(at: number, message: string): void {
    add(this.#warnings, { at, message })
  }

  /** Keeps the lines of this stretch of text out of every excerpt, because they may hold secrets. */
  hide(from: number, to: number): void {
    for (let line = this.line(from); line <= this.line(to); line += 1) this.#hiddenLines.add(line)
  }

  /** Forgets what was found from an offset on: what follows a syntax error is guesswork. */
  dropFrom(at: number): void {
    this.#found = this.#found.filter((finding) => finding.at < at)
    this.#warnings = []
  }

  /** The 1-based line of an offset. */
  line(at: number): number {
    const next = this.#starts.findIndex((start) => start > at)
    return next === -1 ? this.#starts.length : next
  }

  /** Every problem in the order of the file. */
  problems(): ConfigProblem[] {
    return this.#found.toSorted(byPlace).map((finding) => this.#place(finding))
  }

  /** Every warning in the order of the file. */
  warnings(): ConfigProblem[] {
    return this.#warnings.toSorted(byPlace).map((finding) => this.#place(finding))
  }

  #place({ at, message }: Finding): ConfigProblem {
    const line = this.line(at)
    const start = this.#starts[line - 1] ?? 0
    const end = (this.#starts[line] ?? this.#text.length + 1) - 1
    const excerpt = this.#hiddenLines.has(line) ? null : this.#text.slice(start, end).replace(/\r$/, '')
    return { file: this.#file, line, column: at - start + 1, message, excerpt }
  }
}

function add(findings: Finding[], { at, message }: Finding): void {
  if (!findings.some((known) => known.at === at && known.message === message)) findings.push({ at, message })
}

function byPlace(a: Finding, b: Finding): number {
  return a.at - b.at
}
