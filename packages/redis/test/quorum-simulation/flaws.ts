import type { ScriptFlaws } from './model-server.ts'

/** One change that breaks a promise: in a file under `src/quorum/`, or in what the scripts do. */
export interface Flaw {
  readonly title: string
  readonly file?: string
  readonly find?: string
  readonly replace?: string
  readonly scripts?: ScriptFlaws
  /** With which seed to begin where it shows rarely. Default: 0. */
  readonly from?: number
}

export const FLAWS: readonly Flaw[] = [
  {
    title: 'one confirmation less than a majority suffices',
    file: 'tally.ts',
    find: "if (this.count('confirmed') >= majority) return 'win'",
    replace: "if (this.count('confirmed') >= majority - 1) return 'win'",
  },
  {
    title: 'one grant less than a majority is asked to confirm, and that suffices',
    file: 'quorum.ts',
    find: 'this.majority = Math.floor(nodes.length / 2) + 1',
    replace: 'this.majority = Math.max(1, Math.floor(nodes.length / 2))',
  },
  { title: 'the fencing token is not written back', scripts: { forgetsFence: true } },
  {
    title: 'who has forgotten does not abstain for long',
    file: 'rejoin.ts',
    find: 'const wait = isNew ? 0 : ttl * (1 + DRIFT) + GRAIN',
    replace: 'const wait = 0',
  },
  { title: 'everybody votes, whatever they have forgotten', scripts: { everybodyVotes: true } },
  {
    title: 'who has forgotten is not told how high the fencing tokens are',
    file: 'rejoin.ts',
    find: 'String(fence), rest <= 0',
    replace: "'0', rest <= 0",
  },
  {
    title: 'the time of a grant counts from the last request',
    file: 'attempt.ts',
    find: 'since: this.#since, ttl })',
    replace: 'since: this.#quorum.runtime.now(), ttl })',
  },
  {
    title: 'who does not get a majority keeps what it got',
    file: 'requests.ts',
    find: 'this.#quorum.insist(',
    replace: "if (node.location === '') this.#quorum.insist(",
  },
  {
    title: 'what could not be undone at once is forgotten',
    file: 'quorum.ts',
    find: 'if (last || elapsed(this.runtime, since) > moot + MARGIN) return',
    replace: 'if (elapsed(this.runtime, since) > moot - 1e9) return',
  },
  {
    title: 'the fencing token is the highest of those of the nodes, not above it',
    file: 'attempt.ts',
    find: 'this.#fences.push(this.#highest + BigInt(this.#request.tokens))',
    replace: 'this.#fences.push(this.#highest)',
    scripts: { anyFence: true },
  },
  {
    title: 'what an attempt left that failed is taken for the lease',
    file: 'acquiring.ts',
    find: 'if (this.#context.holdings.fenceOf(this.#request.token) !== outcome.fencingToken) return await this.#pause()',
    replace: '',
    from: 700,
  },
  {
    title: 'a renewal needs one server only',
    file: 'quorum-backend.ts',
    find: 'const lasts = ttls[majority - 1]',
    replace: 'const lasts = ttls[0]',
  },
]
