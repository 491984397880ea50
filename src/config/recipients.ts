import type { RecipientPolicy } from '../matching/event.ts'
import { cidrProblem } from './cidr.ts'
import { choices, fieldsOf, flag, list, mapping, read } from './fields.ts'
import type { Field } from './fields.ts'
import { describeNode } from './yaml-node.ts'

/** Public addresses on the usual ports. */
export const DEFAULT_RECIPIENTS: RecipientPolicy = {
  schemes: ['http', 'https'],
  ports: [80, 443],
  blockInternal: true,
  allowCidrs: [],
  blockCidrs: [],
}

const SCHEMES = ['http', 'https'] as const
const KEYS = ['schemes', 'ports', 'block_internal', 'allow_cidrs', 'block_cidrs']

/** Reads a `recipients` mapping. What it does not say is left out, so that the policy it is merged into stands. */
export function readRecipients(field: Field): Partial<RecipientPolicy> {
  const map = mapping(field)
  if (map === null) return {}
  const fields = fieldsOf(map, { where: `"recipients" of ${field.where}`, keys: KEYS, problems: field.problems })
  const schemes = read(fields, 'schemes', readSchemes)
  const ports = read(fields, 'ports', readPorts)
  const blockInternal = read(fields, 'block_internal', flag)
  const allowCidrs = read(fields, 'allow_cidrs', readCidrs)
  const blockCidrs = read(fields, 'block_cidrs', readCidrs)
  return {
    ...(schemes && { schemes }),
    ...(ports && { ports }),
    ...(blockInternal !== null && { blockInternal }),
    ...(allowCidrs && { allowCidrs }),
    ...(blockCidrs && { blockCidrs }),
  }
}

function readSchemes(field: Field): ('http' | 'https')[] | null {
  const { node, problems, where } = field
  if (node.kind === 'list' && node.items.length === 0) {
    problems.report(node.at, `"schemes" in ${where} allows nothing; write [https]`)
  }
  return choices(field, SCHEMES)
}

function readPorts(field: Field): number[] | 'any' | null {
  if (field.node.kind === 'text' && field.node.text === 'any') return 'any'
  const items = list(field, 'a list such as [80, 443], or any')
  if (items === null) return null
  if (items.length === 0)
    field.problems.report(field.node.at, `"ports" in ${field.where} allows nothing; write [80, 443] or any`)
  return items.flatMap((item) => {
    const port = item.kind === 'number' ? Number(item.decimal) : 0
    if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port
    const shown = item.kind === 'number' ? item.decimal : describeNode(item)
    field.problems.report(item.at, `"ports" in ${field.where} must hold numbers from 1 to 65535, not ${shown}`)
    return []
  })
}

function readCidrs(field: Field): string[] | null {
  const items = list(field, 'a list such as [10.0.0.0/8]')
  if (items === null) return null
  return items.flatMap((item) => {
    const problem = item.kind === 'text' ? cidrProblem(item.text) : `a range must be text, not ${describeNode(item)}`
    if (problem !== null) field.problems.report(item.at, `"${field.key}" in ${field.where}: ${problem}`)
    return item.kind === 'text' ? item.text : []
  })
}
