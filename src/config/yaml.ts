import { isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml'
import type { Node, Pair, Scalar } from 'yaml'
import { decimalText } from './decimal-text.ts'
import type { Problems } from './problems.ts'
import { syntaxMessage } from './syntax-message.ts'
import type { YamlEntry, YamlNode } from './yaml-node.ts'

/** What aliases may blow a file up to; far beyond what a person writes. */
const MAX_NODES = 100_000

export interface YamlFile {
  /** Null for an empty file. */
  readonly root: YamlNode | null
  /** Syntax errors in the order of the file; the tree is guesswork from the first one on. */
  readonly errors: readonly YamlError[]
}

export interface YamlError {
  readonly at: number
  readonly message: string
}

/**
 * Reads one YAML 1.2 document (core schema, so that `on` is a string).
 *
 * Reports repeated keys and tags. Aliases are replaced by what they stand for; unknown ones, cycles and alias bombs are
 * syntax errors.
 */
export function parseYaml(text: string, problems: Problems): YamlFile {
  const document = parseDocument(text, {
    schema: 'core',
    uniqueKeys: false, // reported below, with the line of the first one
    resolveKnownTags: false,
    prettyErrors: false,
    logLevel: 'error', // a second document goes unnoticed under 'silent'
  })
  for (const warning of document.warnings) problems.report(warning.pos[0], syntaxMessage(warning))
  // One slip makes a cascade of errors: the first of a line is the one to read.
  const byLine = new Map<number, YamlError>()
  for (const error of document.errors.toSorted((a, b) => a.pos[0] - b.pos[0])) {
    const line = problems.line(error.pos[0])
    if (!byLine.has(line)) byLine.set(line, { at: error.pos[0], message: syntaxMessage(error) })
  }
  const builder = new TreeBuilder(problems)
  const root = document.contents === null ? null : builder.build(document.contents)
  return { root, errors: [...byLine.values(), ...builder.errors].toSorted((a, b) => a.at - b.at) }
}

/** Turns the library's nodes into ours. */
class TreeBuilder {
  /** Aliases that lead nowhere. */
  readonly errors: YamlError[] = []
  readonly #problems: Problems
  readonly #anchors = new Map<string, Node>()
  readonly #open = new Set<Node>()
  #count = 0

  constructor(problems: Problems) {
    this.#problems = problems
  }

  build(node: Node | null): YamlNode {
    const at = node?.range?.[0] ?? 0
    const place = { at, end: node?.range?.[1] ?? at }
    this.#count += 1
    if (this.#count === MAX_NODES)
      this.errors.push({ at, message: `the aliases of this file stand for more than ${MAX_NODES} values` })
    if (node === null || this.#count >= MAX_NODES) return { kind: 'null', ...place }
    if (isAlias(node)) return this.#resolve(node.source, place)
    if ('anchor' in node && node.anchor !== undefined) this.#anchors.set(node.anchor, node)
    if (isScalar(node)) return scalar(node, place)
    this.#open.add(node)
    try {
      if (isSeq(node)) return { kind: 'list', items: node.items.map((item) => this.build(item as Node)), ...place }
      if (isMap(node)) return { kind: 'map', entries: this.#entries(node.items as Pair<Node, Node | null>[]), ...place }
      return { kind: 'null', ...place }
    } finally {
      this.#open.delete(node)
    }
  }

  #resolve(name: string, place: { at: number; end: number }): YamlNode {
    const target = this.#anchors.get(name)
    if (target !== undefined && !this.#open.has(target)) return this.build(target)
    const message =
      target === undefined
        ? `"*${name}" is read as a YAML alias, and no "&${name}" comes before it; put the value in quotes`
        : `"*${name}" stands for something that contains it`
    this.errors.push({ at: place.at, message })
    return { kind: 'null', ...place }
  }

  #entries(pairs: readonly Pair<Node, Node | null>[]): YamlEntry[] {
    const seen = new Map<string, YamlEntry>()
    for (const { key, value } of pairs) {
      const at = key.range?.[0] ?? 0
      const built = this.build(value)
      if (!isScalar(key) || key.source === undefined || key.source === '') {
        this.#problems.report(at, 'a key must be plain text')
        continue
      }
      const name = typeof key.value === 'string' ? key.value : key.source
      const first = seen.get(name)
      if (first === undefined) seen.set(name, { key: name, at, value: built })
      else
        this.#problems.report(
          at,
          `"${name}" is declared twice; the first one is on line ${this.#problems.line(first.at)}`,
        )
    }
    return [...seen.values()]
  }
}

function scalar(node: Scalar, place: { at: number; end: number }): YamlNode {
  const { value, source } = node
  if (typeof value === 'string') return { kind: 'text', text: value, ...place }
  if (typeof value === 'number') return { kind: 'number', decimal: decimalText(source ?? String(value)), ...place }
  if (typeof value === 'boolean') return { kind: 'boolean', value, ...place }
  return { kind: 'null', ...place }
}
