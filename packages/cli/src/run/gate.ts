import { type ChildProcess, spawn } from 'node:child_process'
import { Writable } from 'node:stream'

/**
 * A shell that becomes the command once it is told to: same process id, same start time. If this process dies before,
 * the shell reads the end of its pipe and exits, so there is no moment in which the command runs and nobody vouches
 * for it.
 */
const GATE = 'read -r LOCKS_GATE <&3 && [ "$LOCKS_GATE" = open ] || exit 125; unset LOCKS_GATE; exec 3<&-; exec "$@"'

export interface Gate {
  readonly child: ChildProcess
  open(): void
  /** Lets the shell exit without having run the command. */
  shut(): void
}

export type Command = readonly [file: string, ...args: string[]]

export function startBehindGate(command: Command, env: NodeJS.ProcessEnv): Gate {
  const child = spawn('/bin/sh', ['-c', GATE, 'locks', ...keepingAll(command, env)], {
    env,
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
  })
  const pipe = child.stdio[3]
  // The shell may have been killed: its exit tells.
  pipe?.on('error', () => undefined)
  const end = (text: string) => {
    if (pipe instanceof Writable) pipe.end(text)
  }
  return { child, open: () => end('open\n'), shut: () => end('') }
}

export function startDirectly([file, ...args]: Command, env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(file, args, { env, stdio: 'inherit' })
}

const SHELL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Shells drop variables whose names they could not write themselves (`npm_config_a-b`, `a.b`): env(1) puts them back. */
function keepingAll(command: Command, env: NodeJS.ProcessEnv): readonly string[] {
  const dropped = Object.entries(env).filter(([name, value]) => !SHELL_NAME.test(name) && value !== undefined)
  if (dropped.length === 0 || command[0].includes('=')) return command
  return ['env', ...dropped.map(([name, value]) => `${name}=${value}`), ...command]
}
