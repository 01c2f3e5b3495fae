import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { codeOf } from '../failure.ts'

interface Entry {
  readonly parent: number
  /** When it started, as the system puts it: with the id it identifies a process. */
  readonly start: string
}

type Table = ReadonlyMap<number, Entry>

function processTable(): Table {
  return process.platform === 'linux' ? tableOfProc() : tableOfPs()
}

function tableOfProc(): Table {
  const table = new Map<number, Entry>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1')
      // The name, in parentheses, may contain anything. After it come the state (field 3), the parent (4), …
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (fields[0] !== 'Z') table.set(Number(entry), { parent: Number(fields[1]), start: fields[19] ?? '' })
    } catch {
      // It has ended.
    }
  }
  return table
}

function tableOfPs(): Table {
  const table = new Map<number, Entry>()
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,lstart='], { encoding: 'utf8' }).trim().split('\n')
  for (const line of lines) {
    const [pid, parent, ...start] = line.trim().split(/\s+/)
    table.set(Number(pid), { parent: Number(parent), start: start.join(' ') })
  }
  return table
}

/** Adds to `found` those of the table that descend from one in it. */
function addDescendants(found: Set<number>, table: Table, added: (pid: number) => void = () => undefined): void {
  for (let size = -1; size !== found.size; ) {
    size = found.size
    for (const [pid, { parent }] of table) {
      if (!found.has(parent) || found.has(pid)) continue
      found.add(pid)
      added(pid)
    }
  }
}

/** False if it may not be signalled, as it belongs to another user. One that has ended by itself is fine. */
function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name)
    return true
  } catch (error) {
    return codeOf(error) === 'ESRCH'
  }
}

/** Rounds of looking for children; a process that is stopped can't make more. */
const ROUNDS = 5

/**
 * Kills a process with all its descendants: a command is often a shell or a package runner, and ending only that would
 * leave what does the work. All are stopped first, so that none slips away by starting another in the meantime. False if
 * some of them may not be killed.
 */
export function killTree(root: number): boolean {
  const tree = new Set([root])
  signal(root, 'SIGSTOP')
  try {
    for (let round = 0, size = 0; round < ROUNDS && size !== tree.size; round += 1) {
      size = tree.size
      addDescendants(tree, processTable(), (pid) => signal(pid, 'SIGSTOP'))
    }
  } catch {
    // The table can't be read: at least those found so far.
  }
  return [...tree].map((pid) => signal(pid, 'SIGKILL')).every(Boolean)
}

/** Notes the descendants of a process; the function returned kills those that are still there, with their own. */
export function rememberDescendants(root: number): () => void {
  try {
    const table = processTable()
    const found = new Set([root])
    addDescendants(found, table)
    found.delete(root)
    return () => {
      const now = processTable()
      for (const pid of found) if (now.get(pid)?.start === table.get(pid)?.start) killTree(pid)
    }
  } catch {
    return () => undefined
  }
}
