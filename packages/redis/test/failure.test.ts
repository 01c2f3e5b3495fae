import { Lock, type LockError } from '@locks/core'
import { expect, test } from 'vitest'
import { redisBackend } from '../src/index.ts'

/** A client whose server answers every request with this error. */
function refusing(message: string) {
  const asked: string[] = []
  const client = {
    asked,
    call: (command: string): Promise<never> => {
      asked.push(command)
      return Promise.reject(
        new Error(command === 'evalsha' ? 'NOSCRIPT No matching script. Please use EVAL.' : message),
      )
    },
    on: () => undefined,
    subscribe: () => Promise.reject(new Error(message)),
    disconnect: () => undefined,
  }
  return client
}

async function failureOf(message: string): Promise<{ readonly error: LockError; readonly asked: readonly string[] }> {
  const client = refusing(message)
  const backend = redisBackend(client)
  const error = await new Lock('a', { backend }).acquire().then(
    () => expect.unreachable('it was granted'),
    (failure: LockError) => failure,
  )
  await backend.close()
  return { error, asked: client.asked }
}

test.each([
  ["ERR Error compiling script (new function): user_script:1: unexpected symbol near '#'", 'Redis 7.0 or Valkey'],
  ['ERR Error running script: @user_script:9: Unknown Redis command called from Lua script', 'Redis 7.0 or Valkey'],
  ["OOM command not allowed when used memory > 'maxmemory'.", 'maxmemory'],
  ["NOPERM this user has no permissions to run the 'eval' command", '\\+@scripting'],
  ["ERR The user executing the script can't run this command or subcommand script: c3a30bd8", '\\+time'],
  ["ERR ACL failure in script: User locks has no permissions to run the 'time' command script: c3a30bd8", '\\+time'],
  ['WRONGPASS invalid username-password pair or user is disabled.', 'password'],
  ['NOAUTH Authentication required.', 'password'],
  ['MISCONF Redis is configured to save RDB snapshots, but it is unable to persist to disk.', 'save to disk'],
])('%s: what it means is said, and it is not asked for again', async (message, meaning) => {
  const { error, asked } = await failureOf(message)
  expect(error).toMatchObject({
    code: 'LOCK_BACKEND',
    message: expect.stringMatching(`^lock "a" on redis.*${meaning}`),
  })
  expect(error.message).toContain(message)
  expect(error.cause).toMatchObject({ message })
  // The attempt, and that it is taken back.
  expect(asked.filter((command) => command === 'eval').length).toBeLessThanOrEqual(2)
})

test.each([
  ["READONLY You can't write against a read only replica.", 'is a replica'],
  ['LOADING Redis is loading the dataset in memory', 'LOADING'],
  ['CLUSTERDOWN The cluster is down', 'CLUSTERDOWN'],
])('%s: it is asked for again, and said in the end', async (message, meaning) => {
  const { error, asked } = await failureOf(message)
  expect(error).toMatchObject({ code: 'LOCK_BACKEND', message: expect.stringContaining(meaning) })
  expect(asked.filter((command) => command === 'eval').length).toBeGreaterThan(2)
})
