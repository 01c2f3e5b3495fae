import { accessSync, constants, statSync } from 'node:fs'
import { join } from 'node:path'
import { CommandError, EXIT } from '../exit.ts'
import { printable } from '../text.ts'

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/**
 * Refuses a command that a shell would refuse, with the shell's exit codes, so that a typing error doesn't wait for the
 * lock first. Whether it starts is still for the system to say.
 */
export function checkCommand(command: string, path: string = process.env.PATH ?? ''): void {
  if (process.platform === 'win32') return
  const candidates = command.includes('/') ? [command] : path.split(':').map((folder) => join(folder || '.', command))
  const present = candidates.filter((candidate) => {
    try {
      return isFile(candidate)
    } catch {
      // A folder that may not be searched.
      return false
    }
  })
  const shown = printable(command)
  if (present.some(isExecutable)) return
  if (present.length > 0) throw new CommandError(EXIT.notExecutable, `${shown}: not executable`)
  const folder = command.includes('/') && statSync(command, { throwIfNoEntry: false })?.isDirectory()
  if (folder) throw new CommandError(EXIT.notExecutable, `${shown}: a directory, not a command`)
  throw new CommandError(EXIT.notFound, `${shown}: command not found`)
}
