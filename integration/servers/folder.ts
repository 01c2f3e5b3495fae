import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folders = new Set<string>()

/** A new folder for what a server stores: gone with this process, unless that is killed. */
export function createFolder(kind: string): string {
  const folder = mkdtempSync(join(tmpdir(), `locks-${kind}-`))
  if (folders.size === 0) process.once('exit', removeAll)
  folders.add(folder)
  return folder
}

/** Idempotent. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  folders.delete(folder)
  if (folders.size === 0) process.off('exit', removeAll)
}

function removeAll(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}
