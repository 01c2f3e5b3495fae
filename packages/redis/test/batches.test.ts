import { expect, test } from 'vitest'
import { Batches } from '../src/batches.ts'
import { script } from '../src/script.ts'

const ECHO = script("#!lua\nreturn KEYS[1] .. ':' .. ARGV[1]")
const OTHER = script('#!lua\nreturn 1')

/** A server that notes what it is asked, and answers each question by its key and first argument. */
function server(answerOf = (key: string, arg: string): unknown => `${key}:${arg}`) {
  const requests: (readonly string[])[] = []
  const batches = new Batches((command, args) => {
    requests.push([command, ...args])
    const count = Number(args[1])
    const keys = args.slice(2, 2 + count)
    const given = args.slice(2 + count)
    const each = given.length / count
    if (count === 1) return Promise.resolve(answerOf(keys[0] ?? '', given[0] ?? ''))
    return Promise.resolve(keys.map((key, at) => answerOf(key, given[at * each] ?? '')))
  })
  return { requests, batches }
}

test('what is asked in one turn of the loop is one request, and each gets its own answer', async () => {
  const { requests, batches } = server()
  const names = Array.from({ length: 20 }, (_, at) => `k${at}`)
  const answers = await Promise.all(names.map((name) => batches.ask(ECHO, name, [`a-${name}`, 'x'], false)))
  expect(answers).toEqual(names.map((name) => `${name}:a-${name}`))
  expect(requests.map((request) => request[2])).toEqual(['20'])
})

test('a lone question is asked as it is, without a delay', () => {
  const { requests, batches } = server()
  void batches.ask(ECHO, 'k', ['a'], true)
  expect(requests).toEqual([['evalsha', ECHO.sha, '1', 'k', 'a']])
})

test('different scripts and numbers of arguments are not mixed, and no request carries more than 32 questions', async () => {
  const { requests, batches } = server()
  const asked = [batches.ask(OTHER, 'first', ['1'], true)]
  for (let at = 0; at < 66; at += 1) asked.push(batches.ask(ECHO, `e${at}`, ['1', '2'], false))
  asked.push(batches.ask(ECHO, 'one', ['1'], false), batches.ask(OTHER, 'o', ['1', '2'], false))
  await Promise.all(asked)
  expect(requests.map((request) => Number(request[2])).sort((a, b) => a - b)).toEqual([1, 1, 1, 2, 32, 32])
})

test('an error of one question is that one’s alone', async () => {
  const { batches } = server((key, arg) => (key === 'bad' ? '!error OOM no memory' : `${key}:${arg}`))
  const first = batches.ask(ECHO, 'first', ['1'], true)
  const [good, bad] = [batches.ask(ECHO, 'good', ['1'], false), batches.ask(ECHO, 'bad', ['1'], false)]
  await expect(bad).rejects.toThrow(/^OOM no memory$/)
  expect(await good).toBe('good:1')
  expect(await first).toBe('first:1')
})

test('a request that fails fails all its questions', async () => {
  const batches = new Batches(() => Promise.reject(new Error('gone')))
  const asked = ['a', 'b', 'c'].map((key) => batches.ask(ECHO, key, ['1'], key === 'a'))
  for (const answer of await Promise.allSettled(asked)) expect(answer).toMatchObject({ status: 'rejected' })
})
