import fc from 'fast-check'
import { CredentialVaultError } from '../../src/core/model/errors.ts'

/** One parser, and what has to hold of it for every input. */
export interface Target {
  readonly name: string
  /** Its share of all cases, beside the other targets'. Small for one that takes long. */
  readonly weight: number
  /** Rejects with a report that holds the smallest input it failed on. */
  check(cases: number, seed: number, onCase: () => void): Promise<{ readonly slowest: number }>
}

export interface TargetOptions {
  readonly weight?: number
  /** Longest that one case may take, in milliseconds. */
  readonly within?: number
  /** For a parser that reports mistakes of the programmer by TypeErrors, as it documents. */
  readonly typeErrors?: boolean
}

/** Stands in inputs for a secret: no message may hold it. */
export const MARKER = 'Zq7Kp2Xw9Tn4Vb6R'

/** A machine that is busy with something else is slow once; an input that is slow is slow each time. */
async function confirmSlow(run: () => void | Promise<void>, within: number): Promise<void> {
  let least = Number.POSITIVE_INFINITY
  for (let again = 0; again < 3 && least > within; again += 1) {
    const start = performance.now()
    try {
      await run()
    } catch {
      // The first time decided about that.
    }
    least = Math.min(least, performance.now() - start)
  }
  if (least > within) throw new Broken(`it took ${least.toFixed(0)} ms`)
}

/** `run` throws nothing but the parser's own errors, and `Broken` where a result is wrong. */
export function target<T>(
  name: string,
  input: fc.Arbitrary<T>,
  run: (input: T) => void | Promise<void>,
  { weight = 10, within = 2000, typeErrors = false }: TargetOptions = {},
): Target {
  return {
    name,
    weight,
    async check(cases, seed, onCase) {
      let slowest = 0
      const property = fc.asyncProperty(input, async (value) => {
        onCase()
        const start = performance.now()
        try {
          await run(value)
        } catch (error) {
          if (!isExpected(error, typeErrors)) throw error
          checkSilence(error)
        }
        const took = performance.now() - start
        if (took > slowest) slowest = took
        if (took > within) await confirmSlow(() => run(value), within)
      })
      const { failed, counterexample, counterexamplePath, errorInstance } = await fc.check(property, {
        numRuns: cases,
        seed,
      })
      if (!failed) return { slowest }
      const stack = errorInstance instanceof Error ? errorInstance.stack : String(errorInstance)
      throw new Error(
        `${stack}\nseed ${seed}, path ${counterexamplePath}, on ${fc.stringify(counterexample?.[0]).slice(0, 2000)}`,
      )
    },
  }
}

/** A result that no input may lead to. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

export function mustHold(holds: boolean, what: string): void {
  if (!holds) throw new Broken(what)
}

function isExpected(error: unknown, typeErrors: boolean): error is Error {
  return error instanceof CredentialVaultError || (typeErrors && error instanceof TypeError)
}

function checkSilence(error: Error): void {
  const all = [error.message, error.stack, JSON.stringify(error), String(error.cause)].join(' ')
  mustHold(!all.includes(MARKER), `an error holds its input: ${error.message}`)
}
