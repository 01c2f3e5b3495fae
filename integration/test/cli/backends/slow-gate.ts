/** `slow-gate:///folder`: the file backend; a renewal writes the process that it stands for to `gate.pid`, and never ends. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { registerBackend } from '@locks/core'
import { fileBackend } from '@locks/file'

registerBackend('slow-gate', (url) => {
  const folder = fileURLToPath(url.replace('slow-gate:', 'file:'))
  const backend = fileBackend(folder)
  let gate = 0
  return new Proxy(backend, {
    get(target, name) {
      if (name === 'standFor')
        return (pid: number) => {
          gate = pid
          target.standFor(pid)
        }
      if (name === 'renew')
        return () => {
          writeFileSync(join(folder, '../gate.pid'), `${gate}\n`)
          return new Promise(() => undefined)
        }
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
})
