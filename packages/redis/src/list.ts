import type { Connection, Send } from './client/connection.ts'
import { nameOf, pattern, toldOf } from './keys.ts'
import { evaluate, type Script, script } from './script.ts'
import { IN_USE } from './scripts/inspect.ts'

const inUse: Script = script(IN_USE)
/** How many keys a server looks at for one SCAN. */
const COUNT = '1000'

/** The names of a namespace that are held or waited for, found by SCAN at every master. */
export async function listNames(
  connection: Connection,
  prefix: string,
  namespace: string,
  namePrefix: string,
): Promise<readonly string[]> {
  const whole = connection.keyPrefix + prefix
  const glob = pattern(whole, namespace, namePrefix)
  const found = new Set<string>()
  const scan = async (send: Send): Promise<void> => {
    let cursor = '0'
    do {
      const [next, page] = (await send('scan', [cursor, 'match', glob, 'count', COUNT, 'type', 'string'])) as [
        string,
        string[],
      ]
      cursor = String(next)
      for (const key of page) found.add(String(key))
    } while (cursor !== '0')
  }
  await Promise.all((await connection.masters()).map(scan))
  const used = await Promise.all(
    [...found].map(async (main) => {
      // The client puts its own prefix before it again.
      const key = main.slice(connection.keyPrefix.length)
      const send: Send = (command, args) => connection.send(key, command, args)
      // Some clients make texts of numbers.
      return String(await evaluate(send, inUse, toldOf(key, connection.single), [''])) === '1'
    }),
  )
  const names = [...found].filter((_, at) => used[at]).map((main) => nameOf(main, whole, namespace))
  return names.sort()
}
