import type { World } from '../../../core/test/simulation/world.ts'
import type { Code } from './code.ts'

interface Hold {
  ends: number
  fence: number
  readonly since: number
  readonly info: string
}

interface Entry {
  fence: number
  exclusive: (Hold & { token: string }) | undefined
  readonly shared: Map<string, Hold>
  readonly tombs: Map<string, number>
}

interface NodeRecord {
  readonly id: string
  readonly born: number
  votes: boolean
  ttl: number | undefined
  fence: number
  floor: number
}

/** Parts of the scripts that can be left out, to see whether that is noticed. */
export interface ScriptFlaws {
  /** A grant does not depend on the node's record. */
  readonly everybodyVotes?: boolean
  /** A fencing token is confirmed however low it is. */
  readonly anyFence?: boolean
  /** A fencing token that was confirmed is not remembered. */
  readonly forgetsFence?: boolean
}

/** By the end of their hold. */
const readers = ({ shared }: Entry): readonly Hold[] =>
  [...shared].sort(([a, { ends }], [b, other]) => ends - other.ends || (a < b ? -1 : 1)).map(([, hold]) => hold)

const pad = (text: string | number, width: number): string => String(text).padStart(width, '0')

/**
 * What the scripts of a quorum's node do, in memory. `quorum-model.test.ts` of the integration tests runs the same requests at a real
 * server and compares the answers.
 */
export class ModelServer {
  readonly name: string
  readonly #world: World
  readonly #rate: number
  #offset: number
  readonly #flaws: ScriptFlaws
  readonly #scripts = new Map<string, (main: string, args: readonly string[]) => string | string[]>()
  readonly #names = new Map<string, string>()
  readonly #entries = new Map<string, Entry>()
  record: NodeRecord | undefined

  constructor(
    name: string,
    world: World,
    clock: { rate: number; offset: number },
    code: Code,
    flaws: ScriptFlaws = {},
  ) {
    this.name = name
    this.#world = world
    this.#rate = clock.rate
    this.#offset = clock.offset
    this.#flaws = flaws
    for (const [script, run] of [
      [code.CLOCK, () => `${this.now} ok`],
      [code.LOOK, (_, [id = '']) => this.#look(id)],
      [code.JOIN, (_, args) => this.#join(args)],
      [code.RAISE, (_, [ttl]) => this.#raise(Number(ttl))],
      [code.PROPOSE, (main, args) => this.#propose(main, args)],
      [code.CONFIRM, (main, args) => this.#confirm(main, args)],
      [code.UNDO, (main, args) => this.#undo(main, args)],
      [code.RENEW, (main, args) => this.#renew(main, args)],
      [code.RELEASE, (main, args) => this.#release(main, args)],
      [code.CANCEL, (main, args) => this.#cancel(main, args)],
      [code.VIEW, (main) => this.#view(main)],
    ] satisfies [{ sha: string }, (main: string, args: readonly string[]) => string | string[]][])
      this.#scripts.set(script.sha, run)
    for (const [name, script] of Object.entries(code)) if ('sha' in script) this.#names.set(script.sha, name)
  }

  /** In whole milliseconds. */
  get now(): number {
    return Math.floor(this.#micros / 1_000)
  }

  get #micros(): number {
    return Math.floor((1_700_000_000_000 + this.#offset + this.#world.now * this.#rate) * 1_000)
  }

  get votes(): boolean {
    return this.record?.votes === true
  }

  /** Comes back with nothing. */
  forget(): void {
    this.#entries.clear()
    this.record = undefined
  }

  /** What is held now, as text. */
  get holds(): readonly string[] {
    return [...this.#entries].flatMap(([main, entry]) => {
      const { exclusive, shared } = this.#live(main, entry)
      return [...(exclusive ? [exclusive.info] : []), ...[...shared.values()].map(({ info }) => info)].map(
        (info) => `${main} ${info}`,
      )
    })
  }

  run(command: string, [sha = '', keys = '', main = '', ...rest]: readonly string[]): string | string[] {
    const script = command === 'evalsha' ? this.#scripts.get(sha) : undefined
    if (script === undefined) throw new Error(`the model does not know ${command} ${sha}`)
    return script(main, rest.slice(Number(keys) - 1))
  }

  /** A request, for who reads a trace. */
  describe([sha = '', , ...rest]: readonly string[]): string {
    return `${this.#names.get(sha)} ${rest.join(' ')}`
  }

  /** Without what has run out. */
  #live(main: string, entry: Entry | undefined = this.#entries.get(main)): Entry {
    const live = entry ?? { fence: 0, exclusive: undefined, shared: new Map(), tombs: new Map() }
    this.#entries.set(main, live)
    if (live.exclusive !== undefined && live.exclusive.ends <= this.now) live.exclusive = undefined
    for (const [token, { ends }] of live.shared) if (ends <= this.now) live.shared.delete(token)
    return live
  }

  #of(entry: Entry, token: string | undefined): Hold | undefined {
    if (token === undefined) return undefined
    return entry.exclusive?.token === token ? entry.exclusive : entry.shared.get(token)
  }

  #buried({ tombs }: Entry, token: string | undefined): boolean {
    return (tombs.get(token ?? '') ?? 0) >= this.now
  }

  #leave(entry: Entry, token: string): boolean {
    if (entry.exclusive?.token !== token) return entry.shared.delete(token)
    entry.exclusive = undefined
    return true
  }

  #look(id: string): string {
    this.record ??= { id, born: this.now, votes: false, ttl: undefined, fence: 0, floor: 0 }
    const { id: own, votes, born, ttl = '-', fence } = this.record
    return `${this.now} ${own} ${votes ? 1 : 0} ${this.now - born} ${ttl} ${fence}`
  }

  #join([id, ttl, fence, votes]: readonly string[]): string {
    const { record } = this
    if (record === undefined || record.id !== id) return `${this.now} other`
    if (record.votes) return `${this.now} ok`
    record.ttl = Math.max(record.ttl ?? 0, Number(ttl))
    record.fence = Math.max(record.fence, Number(fence))
    if (votes === '1') {
      record.votes = true
      record.floor = record.fence
    }
    return `${this.now} ok`
  }

  #raise(ttl: number): string {
    if (!this.record?.votes) return `${this.now} abstains`
    this.record.ttl = Math.max(this.record.ttl ?? 0, ttl)
    return `${this.now} ok`
  }

  #propose(main: string, [token = '', ttl, notAfter, how = '', info = '', lease]: readonly string[]): string {
    const { now, record } = this
    const entry = this.#live(main)
    if (!record?.votes && !this.#flaws.everybodyVotes) return `abstains ${now}`
    const own = this.#of(entry, lease)
    if (own !== undefined) return `own ${now} ${own.fence}`
    if (Number(ttl) > (record?.ttl ?? 0) && !this.#flaws.everybodyVotes) return `small ${now}`
    if (now > Number(notAfter) || this.#buried(entry, token)) return `late ${now}`
    const held = this.#of(entry, token)
    if (held !== undefined) {
      held.ends = Math.max(held.ends, now + Number(ttl))
      return `g ${now} ${held.fence} ${held.ends - now}`
    }
    const shown = ({ ends, fence, since, info: whose }: Hold): string => `${ends} ${pad(fence, 16)}${since}${whose}`
    if (entry.exclusive) return `b ${now} 0 x ${shown(entry.exclusive)}`
    const [reader] = readers(entry)
    const kind = how[0]
    if (reader !== undefined && kind === 'x') return `b ${now} 0 s ${shown(reader)}`
    const fence = Math.max(entry.fence + 1, this.#micros)
    entry.fence = fence + Number(how.split(' ')[1]) - 1
    const hold = { ends: now + Number(ttl), fence, since: now, info }
    if (kind === 'x') entry.exclusive = { ...hold, token }
    else entry.shared.set(token, hold)
    return `g ${now} ${fence} ${ttl}`
  }

  #confirm(main: string, [token = '', lease = '', fence, tokens, written = '', votes]: readonly string[]): string {
    const { now, record } = this
    const entry = this.#live(main)
    if (this.#buried(entry, lease)) return `${now} gone`
    const wanted = Number(fence)
    let from = token
    let hold = this.#of(entry, token)
    if (hold === undefined) {
      from = lease
      hold = this.#of(entry, lease)
      if (hold?.fence === wanted) return `${now} ok`
      if (hold === undefined || !written.includes(String(hold.fence))) return `${now} gone`
    }
    const before = Math.max(entry.fence, record?.floor ?? 0)
    if (votes === '1' && wanted <= before && !this.#flaws.anyFence) return `${now} low ${before}`
    if (!this.#flaws.forgetsFence) entry.fence = Math.max(entry.fence, wanted + Number(tokens) - 1)
    this.#leave(entry, from)
    const renamed = { ...hold, fence: wanted }
    if ('token' in hold) entry.exclusive = { ...renamed, token: lease }
    else entry.shared.set(lease, renamed)
    if (record !== undefined) record.fence = Math.max(record.fence, entry.fence)
    return `${now} ok`
  }

  #undo(main: string, [token = '', lateFor, lease = '', fences = '']: readonly string[]): string {
    const entry = this.#live(main)
    entry.tombs.set(token, this.now + Number(lateFor))
    this.#leave(entry, token)
    const held = this.#of(entry, lease)
    if (held !== undefined && fences.includes(String(held.fence))) this.#leave(entry, lease)
    return `${this.now} ok`
  }

  #renew(main: string, [token = '', ttl]: readonly string[]): string {
    const hold = this.#of(this.#live(main), token)
    if (hold === undefined) return `${this.now} lost`
    hold.ends = Math.max(hold.ends, this.now + Number(ttl))
    return `${this.now} ${hold.ends - this.now}`
  }

  #release(main: string, [token = '']: readonly string[]): string {
    return `${this.now} ${this.#leave(this.#live(main), token) ? 1 : 0}`
  }

  #cancel(main: string, [token = '', , lateFor]: readonly string[]): string {
    const entry = this.#live(main)
    entry.tombs.set(token, this.now + Number(lateFor))
    this.#leave(entry, token)
    return `${this.now} 1`
  }

  #view(main: string): string[] {
    if (!this.record?.votes) return ['abstains', String(this.now)]
    const entry = this.#live(main)
    const shown = (mode: string, { ends, fence, since, info }: Hold): string =>
      `${mode} ${ends} ${pad(fence, 16)}${since}${info}`
    const holders = readers(entry).map((hold) => shown('-', hold))
    if (entry.exclusive !== undefined) holders.push(shown('x', entry.exclusive))
    return [String(this.now), '0', 'lock', ...holders]
  }
}
