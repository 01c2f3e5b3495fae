/** `outage:///folder`: the file backend; while a file `outage` lies beside the folder, no call is ever answered. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
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
      if (name !== 'standFor' && name !== 'close' && existsSync(cut)) return () => new Promise(() => undefined)
      return value.bind(target)
    },
  })
})
