import type { Dice } from '../random.ts'

/** How an endpoint treats a request. */
export type Treatment =
  | { readonly kind: 'answer'; readonly status: number; readonly afterMs: number; readonly retryAfter?: number }
  | { readonly kind: 'hang' }
  /** Breaks the connection: before the answer, within its headers, or within its body. */
  | { readonly kind: 'reset'; readonly within: 'nothing' | 'headers' | 'body' }

/** The first segment of an endpoint's path. */
export const BEHAVIOURS = ['healthy', 'slow', 'failing', 'hanging', 'resetting', 'reading', 'refusing', 'gone'] as const
export type Behaviour = (typeof BEHAVIOURS)[number]

const TURN_MS = 2500
const FINE = { kind: 'answer', status: 200, afterMs: 0 } as const satisfies Treatment

/** Decides about one request. `turn` shifts the bad times of one endpoint against those of others. */
export function treatmentOf(
  behaviour: Behaviour,
  { dice, at, turn }: { dice: Dice; at: number; turn: number },
): Treatment {
  switch (behaviour) {
    case 'healthy':
      return FINE
    case 'slow':
      return { ...FINE, afterMs: dice.between(2, 40) }
    case 'failing':
      return (Math.floor(at / TURN_MS) + turn) % 3 === 0 ? failure(dice) : FINE
    case 'hanging':
      return dice.chance(0.01) ? { kind: 'hang' } : FINE
    case 'resetting':
      return dice.chance(0.05) ? { kind: 'reset', within: dice.pick(['nothing', 'headers', 'body']) } : FINE
    case 'reading':
      return { ...FINE, afterMs: dice.between(0, 5) }
    case 'refusing':
      return dice.chance(0.02) ? { ...FINE, status: 413 } : FINE
    case 'gone':
      return dice.chance(0.005) ? { ...FINE, status: 410 } : FINE
  }
}

function failure(dice: Dice): Treatment {
  const status = dice.pick([500, 500, 404, 429, 503])
  return status === 503 ? { ...FINE, status, retryAfter: 1 } : { ...FINE, status }
}
