import type { DaemonFact, Fact, KeptFact, RequestFact } from '../history.ts'
import { type Arrival, type Duplicate, enter } from './arrivals.ts'
import { type Envelope, envelopeFault, readEnvelopes } from './envelope.ts'
import { Findings } from './findings.ts'
import { Identities } from './identities.ts'
import { lateSightings, type Sighting } from './lateness.ts'
import { disorderOf } from './order.ts'
import { signatureFault } from './signature.ts'
import type { Version } from './subscriber.ts'
import { establishTruth, messageKey, type Truth } from './truth.ts'

/** What the comparison of what was committed with what arrived came to. */
export interface Verdict {
  readonly findings: Findings
  readonly duplicates: readonly Duplicate[]
  readonly counts: {
    readonly transactions: number
    readonly changes: number
    /** Messages times subscribers. */
    readonly expected: number
    readonly arrived: number
    readonly requests: number
    readonly dead: number
    readonly cancelled: number
    /** Kept for subscribers that are paused at the end. */
    readonly parked: number
  }
  /** When each delivery was first answered 2xx, in milliseconds and ascending. */
  readonly answered: readonly number[]
}

/** Judges a whole history: one pass for the truth, one for what arrived. */
export function check(facts: readonly Fact[]): Verdict {
  const transactions = facts.filter((fact) => fact.kind === 'transaction')
  const changes = facts.filter((fact) => fact.kind === 'change')
  const judge = new Judge(establishTruth(transactions, changes), changes.length)
  for (const fact of facts) if (fact.kind === 'kept') judge.keep(fact)
  const requests = facts.filter((fact) => fact.kind === 'request').toSorted((a, b) => a.seq - b.seq)
  for (const request of requests) judge.receive(request)
  return judge.verdict(facts.filter((fact) => fact.kind === 'daemon'))
}

class Judge {
  readonly #truth: Truth
  readonly #changes: number
  readonly #findings = new Findings()
  readonly #arrivals = new Map<string, Arrival>()
  readonly #kept = new Map<string, KeptFact>()
  readonly #duplicates: Duplicate[] = []
  readonly #identities = new Identities()
  readonly #sightings: Sighting[] = []
  #requests = 0

  constructor(truth: Truth, changes: number) {
    this.#truth = truth
    this.#changes = changes
    for (const [subscriber, list] of truth.expected) {
      for (const expected of list) {
        const { event, stamp } = expected.message
        const arrival = { expected, first: null, firstAt: 0, settled: null, answeredAt: null, id: null }
        this.#arrivals.set(`${subscriber} ${messageKey(event, stamp)}`, arrival)
      }
    }
  }

  keep(kept: KeptFact): void {
    const version = this.#truth.versions.get(kept.subscriber)?.at(-1)
    if (version === undefined || !kept.body) return
    const { envelope } = version
    const [entry] = readEnvelopes(kept.body, { envelope, isBatched: false, event: kept.event })
    this.#kept.set(`${kept.subscriber} ${messageKey(kept.event, entry?.stamp ?? '')}`, kept)
  }

  receive(request: RequestFact): void {
    this.#requests++
    const subscriber = request.headers['hook-subscription'] ?? ''
    const versions = this.#truth.versions.get(subscriber)
    if (versions === undefined) {
      this.#findings.add('misdirected', `request ${request.seq}: nobody is subscriber "${subscriber}"`)
      return
    }
    const body = Buffer.from(request.body, request.encoding)
    const { envelope, isBatched } = versions[0]!
    let entries: Envelope[]
    try {
      entries = readEnvelopes(request.body, { envelope, isBatched, event: request.headers['hook-event'] ?? '' })
    } catch (error) {
      this.#findings.add('corrupt', `request ${request.seq}: ${String(error)}`)
      return
    }
    const sameBytes = this.#identities.hasSameBytes(request, body)
    if (!sameBytes) this.#findings.add('corrupt', `request ${request.seq}: its delivery came before with other bytes`)
    const positions = entries.map((entry, index) => this.#enter(request, { entry, index, versions, sameBytes }))
    this.#checkSignature(request, body, versions.filter(isPossible(request, Math.max(...positions))))
  }

  verdict(daemons: readonly DaemonFact[]): Verdict {
    for (const { where } of lateSightings(this.#sightings, { arrivals: this.#arrivals.values(), daemons })) {
      this.#findings.add('misdirected', `${where}: it had long been paused, disabled or removed`)
    }
    const fates = this.#judgeFates()
    this.#judgeOrder()
    const { transactions } = this.#truth
    return {
      findings: this.#findings,
      duplicates: this.#duplicates,
      counts: {
        ...fates,
        transactions: transactions.length,
        changes: this.#changes,
        expected: this.#arrivals.size,
        requests: this.#requests,
      },
      answered: this.#answeredTimes(),
    }
  }

  /** Counts what became of all messages. */
  #judgeFates(): Record<'arrived' | 'dead' | 'cancelled' | 'parked', number> {
    const counts = { arrived: 0, dead: 0, cancelled: 0, parked: 0 }
    for (const [key, arrival] of this.#arrivals) {
      const fate = arrival.settled === null ? this.#fateOf(key, arrival) : 'arrived'
      if (fate === 'lost') this.#findings.add('lost', this.#loss(key, arrival))
      else counts[fate]++
    }
    return counts
  }

  #judgeOrder(): void {
    const isDead = ({ expected: { version, message } }: Arrival): boolean =>
      this.#kept.get(keyOf(version.id, message))?.state === 'dead'
    for (const [subscriber, list] of this.#truth.expected) {
      const arrivals = list.map(({ message }) => this.#arrivals.get(keyOf(subscriber, message))!)
      const versions = this.#truth.versions.get(subscriber) ?? []
      for (const sentence of disorderOf(arrivals, { isDead, versions })) this.#findings.add('misordered', sentence)
    }
  }

  #answeredTimes(): number[] {
    const times = [...this.#arrivals.values()].map(({ answeredAt }) => answeredAt)
    return times.filter((at) => at !== null).toSorted((a, b) => a - b)
  }

  /** Enters one envelope; gives the position of its transaction, -1 where it has none. */
  #enter(
    request: RequestFact,
    {
      entry,
      index,
      versions,
      sameBytes,
    }: { entry: Envelope; index: number; versions: readonly Version[]; sameBytes: boolean },
  ): number {
    const { id: subscriber, envelope } = versions[0]!
    const key = messageKey(entry.event, entry.stamp ?? '')
    const where = `request ${request.seq}, ${key}, subscriber ${subscriber}`
    const known = this.#truth.messages.get(key)
    if (known === undefined) {
      this.#findings.add('phantom', `${where}: nothing of the kind was committed`)
      return -1
    }
    const { message, position } = known
    const transaction = this.#truth.transactions[position]!
    const wrong = envelopeFault(entry.body, message, { envelope, transaction })
    if (wrong !== null) this.#findings.add('corrupt', `${where}: ${wrong} is not what was committed`)
    const arrival = this.#arrivals.get(`${subscriber} ${key}`)
    if (arrival === undefined) {
      this.#findings.add('misdirected', `${where}: it was not subscribed to that at that point`)
      return -1
    }
    this.#checkPlace(request, { arrival, versions, where })
    this.#sightings.push({ at: request.at, where, arrival, versions })
    const wrongIds = this.#identities.faults(request, arrival, entry)
    for (const sentence of wrongIds) this.#findings.add('corrupt', `${where}: ${sentence}`)
    const { answeredAt } = arrival
    if (enter(arrival, request, index) && answeredAt !== null) {
      this.#duplicates.push({ subscriber, answeredAt, at: request.at, sameId: wrongIds.length === 0, sameBytes })
    }
    return position
  }

  #checkPlace(
    request: RequestFact,
    { arrival, versions, where }: { arrival: Arrival; versions: readonly Version[]; where: string },
  ): void {
    const { version, position } = arrival.expected
    const possible = versions.filter(isPossible(request, position))
    if (!possible.some(({ path }) => path === request.path)) {
      this.#findings.add('misdirected', `${where}: ${request.path} was not its URL, or no longer`)
    }
    if (version.isParked && !possible.some(({ isParked }) => !isParked)) {
      this.#findings.add('misdirected', `${where}: it was paused or disabled, and not yet resumed`)
    }
  }

  #checkSignature(request: RequestFact, body: Buffer, versions: readonly Version[]): void {
    const faults = versions.map((version) => signatureFault(request, body, version))
    if (faults.includes(null)) return
    const why = [...new Set(faults)].join(', ') || 'nobody could sign it'
    this.#findings.add('unsigned', `request ${request.seq}, subscriber ${request.headers['hook-subscription']}: ${why}`)
  }

  /** What became of a message that has not arrived. */
  #fateOf(key: string, { expected: { version } }: Arrival): 'dead' | 'cancelled' | 'parked' | 'lost' {
    const last = this.#truth.versions.get(version.id)!.at(-1)!
    const kept = this.#kept.get(key)
    if (kept?.state === 'dead' && kept.reason) return 'dead'
    if (last.upto !== Infinity) return kept?.state === 'cancelled' ? 'cancelled' : 'lost'
    return kept?.state === 'pending' && last.isParked ? 'parked' : 'lost'
  }

  #loss(key: string, { expected, first }: Arrival): string {
    const kept = this.#kept.get(key)
    const ledger = kept === undefined ? 'not in the ledger' : `${kept.state} in the ledger: ${kept.reason}`
    const came = first === null ? 'never came' : `came as request ${first.request}, was not answered`
    return `${key} of transaction ${expected.position} ${came}; ${ledger}`
  }
}

/** Versions under which a message of that transaction can have been sent at the time of the request. */
function isPossible(request: RequestFact, position: number): (version: Version) => boolean {
  return ({ upto, at }) => upto >= position && at <= request.at
}

function keyOf(subscriber: string, { event, stamp }: { event: string; stamp: string }): string {
  return `${subscriber} ${messageKey(event, stamp)}`
}
