import { describe, expect, test } from 'vitest'
import { main, type Output } from '../src/index.ts'

/** Runs the command in this process; only for what starts nothing. */
async function locks(...argv: string[]) {
  const printed: string[] = []
  const said: string[] = []
  const output: Output = { isTerminal: false, print: (text) => printed.push(text), say: (line) => said.push(line) }
  const exit = await main(argv, output)
  return { exit, printed: printed.join('\n'), said: said.join('\n') }
}

const NO_DURATION = 'is no duration: write 500ms, 30s, 2m, 1h, inf, or a number of milliseconds'

describe('a command line that makes no sense is refused in one line', () => {
  test.for<[string[], string]>([
    [[], 'which command? There are run, status, list, break, doctor. See: locks --help'],
    [['lock'], 'no command "lock": there are run, status, list, break, doctor. See: locks --help'],
    [['run'], 'which lock? See: locks run --help'],
    [['run', '--', 'true'], 'which lock? See: locks run --help'],
    [['run', 'a'], 'which command? Write: locks run NAME -- command args…'],
    [['run', 'a', '--'], 'which command? Write: locks run NAME -- command args…'],
    [['run', 'a', 'true'], 'put -- before the command: locks run NAME -- command args…'],
    [['run', 'a', 'b', '--', 'true'], 'one NAME only, not also "b". See: locks run --help'],
    [['run', 'a', '--forever', '--', 'true'], 'unknown flag --forever. See: locks run --help'],
    [['run', 'a', '-t', '--', 'true'], 'unknown flag -t. See: locks run --help'],
    [['run', 'a', '--json', '--', 'true'], 'unknown flag --json. See: locks run --help'],
    [['run', 'a', '--ttl', '--', 'true'], '--ttl needs a duration. See: locks run --help'],
    [['run', 'a', '--ttl', 'soon', '--', 'true'], `--ttl "soon" ${NO_DURATION}`],
    [['run', 'a', '--ttl=', '--', 'true'], `--ttl "" ${NO_DURATION}`],
    [['run', 'a', '--timeout', '-5', '--', 'true'], `--timeout "-5" ${NO_DURATION}`],
    [['run', 'a', '--timeout', '1m30s', '--', 'true'], `--timeout "1m30s" ${NO_DURATION}`],
    [['run', 'a', '--timeout', '1e3', '--', 'true'], `--timeout "1e3" ${NO_DURATION}`],
    [['run', 'a', '--timeout', 'Infinity', '--', 'true'], `--timeout "Infinity" ${NO_DURATION}`],
    [['run', 'a', '--shared=yes', '--', 'true'], '--shared takes no value. See: locks run --help'],
    [['run', 'a', '--shared', '--permits', '2', '--', 'true'], '--shared and --permits exclude each other'],
    [['run', 'a', '--permits', '0', '--', 'true'], '--permits "0" is no whole number from 1 on'],
    [['run', 'a', '--permits', '2.5', '--', 'true'], '--permits "2.5" is no whole number from 1 on'],
    [['run', 'a', '--on-lost', 'panic', '--', 'true'], '--on-lost "panic" is none of kill, term, ignore'],
    [['status'], 'which lock? See: locks status --help'],
    [['status', ''], 'which lock? See: locks status --help'],
    [['status', 'a', 'b'], 'one NAME only, not also "b". See: locks status --help'],
    [['list', 'a', 'b'], 'one PREFIX only, not also "b". See: locks list --help'],
    [['doctor', 'a'], 'no NAME here, as in "a": it looks at the whole backend. See: locks doctor --help'],
    [
      ['break', 'a', '--backend', 'memory:'],
      'breaking a lock asks first, and there is no terminal to ask on: say --yes',
    ],
  ])('locks %j', async ([argv, line]) => {
    expect(await locks(...argv)).toEqual({ exit: 64, printed: '', said: line })
  })
})

describe('a backend that cannot be had is named in one line', () => {
  test.for<[string, number, string]>([
    [
      '/srv/locks',
      64,
      'the backend "/srv/locks" is no URL: write file:///srv/locks, redis://localhost:6379 or the like',
    ],
    [
      'zookeeper://zk:2181',
      64,
      'the backend has the unknown scheme "zookeeper:": known are memory:, file:, redis:, rediss:, valkey:, valkeys:, etcd:, etcds:, memcached:, k8s:; others come from a module given with --import',
    ],
    ['memory:shared', 64, 'url is "memory:shared": "memory:" takes nothing more'],
  ])('--backend %s', async ([url, exit, line]) => {
    expect(await locks('status', 'a', '--backend', url)).toEqual({ exit, printed: '', said: line })
  })

  test('a URL without a scheme of ours never shows its password', async () => {
    const { said } = await locks('status', 'a', '--backend', 'mysql://root:hunter2@db')
    expect(said).not.toContain('hunter2')
  })

  test('a bad name or namespace is refused in the words of the library', async () => {
    expect(await locks('status', 'a', '--backend', 'memory:', '--namespace', 'a/b')).toEqual({
      exit: 64,
      printed: '',
      said: 'namespace is "a/b": allowed are letters, digits, ".", "_" and "-"',
    })
    expect(await locks('status', 'x'.repeat(1025), '--backend', 'memory:')).toEqual({
      exit: 64,
      printed: '',
      said: 'name has 1025 bytes in UTF-8: at most 1024 are allowed',
    })
  })
})

describe('a command that cannot be run is refused before the lock is asked for', () => {
  test.for<[string, number, string]>([
    ['no-such-command-here', 127, 'no-such-command-here: command not found'],
    ['./no-such-file', 127, './no-such-file: command not found'],
    ['/etc/passwd', 126, '/etc/passwd: not executable'],
    ['/etc', 126, '/etc: a directory, not a command'],
  ])('%s', async ([command, exit, line]) => {
    const run = await locks('run', 'a', '--backend', 'memory:', '--', command)
    expect(run).toEqual({ exit, printed: '', said: line })
  })
})

describe('help', () => {
  test.for(['run', 'status', 'list', 'break', 'doctor'])('locks %s --help teaches by example', async (command) => {
    const help = await locks(command, '--help')
    expect(help).toMatchObject({ exit: 0, said: '' })
    expect(help.printed).toContain(`$ locks ${command}`)
    expect(await locks('help', command)).toEqual(help)
    expect(Math.max(...help.printed.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100)
  })

  test('the help of run is not that of the command it runs', async () => {
    expect(await locks('run', 'a', '--backend', 'memory:', '--', 'no-such-command', '--help')).toMatchObject({
      exit: 127,
    })
  })

  test('run says what a stopped or killed wrapper cannot do', async () => {
    expect((await locks('run', '--help')).printed).toContain('can neither renew the lease nor end its command')
  })

  test('--version prints a version', async () => {
    expect((await locks('--version')).printed).toMatch(/^\d+\.\d+\.\d+/)
  })
})
