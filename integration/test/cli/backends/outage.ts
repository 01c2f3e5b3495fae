/** `outage:///folder`: the file backend; while a file `outage` lies beside the folder, calls hang, and arrive after it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { registerBackend } from '@locks/core'
import { fileBackend } from '@locks/file'

registerBackend('outage', (url) => {
  const folder = fileURLToPath(url.replace('outage:', 'file:'))
  const backend = fileBackend(folder)
  const cut = join(folder, '../outage')
  return new Proxy(backend, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      if (name === 'standFor' || name === 'close') return value.bind(target)
      return async (...args: unknown[]) => {
        while (existsSync(cut)) await sleep(20)
        return value.apply(target, args)
      }
    },
  })
})
