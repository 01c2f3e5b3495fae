import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defaultDirectory } from './directory.ts'

export interface FileBackendOptions {
  /**
   * Where to keep the locks; made on first use, with mode 0700. A relative path counts from the current directory of this
   * moment. Default: `defaultDirectory()`.
   */
  readonly directory?: string | undefined
  /**
   * True: allows a directory on a network file system (NFS, SMB, …), with the lesser guarantee that the backend then
   * states. Default: false.
   */
  readonly networkFileSystem?: boolean | undefined
}

export interface Settings {
  readonly directory: string
  readonly networkFileSystem: boolean
}

const KNOWN = ['directory', 'networkFileSystem']
const shown = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value))

/** Checks what was given to `fileBackend`: a path, a URL, or options. */
export function settingsFrom(given: string | URL | FileBackendOptions | undefined): Settings {
  if (given instanceof URL) return fromUrl(given.href)
  if (typeof given === 'string') return given.startsWith('file:') ? fromUrl(given) : fromOptions({ directory: given })
  return fromOptions(given ?? {})
}

function fromOptions(options: FileBackendOptions): Settings {
  if (typeof options !== 'object') throw new TypeError(`options is ${shown(options)}: give a path, a URL or an object`)
  for (const name of Object.keys(options))
    if (!KNOWN.includes(name)) throw new TypeError(`unknown option ${shown(name)}: fileBackend has ${KNOWN.join(', ')}`)
  const { directory, networkFileSystem = false } = options
  if (directory !== undefined && (typeof directory !== 'string' || directory === '' || directory.includes('\0')))
    throw new TypeError(`directory is ${shown(directory)}: it must be a path`)
  if (typeof networkFileSystem !== 'boolean')
    throw new TypeError(`networkFileSystem is ${shown(networkFileSystem)}: it must be true or false`)
  return { directory: directory === undefined ? defaultDirectory() : resolve(directory), networkFileSystem }
}

/** `file:` (the default directory), `file:///srv/app/locks`; `?networkFileSystem=true` behind either. */
function fromUrl(text: string): Settings {
  const parts = /^file:(?:\/\/(?:localhost)?)?(\/(?!\/)[^?#]*)?(?:\?([^#]*))?$/.exec(text)
  if (parts === null || parts[1] === '/')
    throw new TypeError(`the URL ${shown(text)} is not understood: file:///absolute/path, or file: for the default`)
  let networkFileSystem = false
  for (const [name, value] of new URLSearchParams(parts[2])) {
    if (name !== 'networkFileSystem') throw new TypeError(`unknown option ${shown(name)} in the URL ${shown(text)}`)
    if (value !== 'true' && value !== 'false')
      throw new TypeError(`networkFileSystem is ${shown(value)} in the URL ${shown(text)}: it must be true or false`)
    networkFileSystem = value === 'true'
  }
  const directory = parts[1] === undefined ? undefined : fileURLToPath(`file://${parts[1]}`)
  return fromOptions({ directory, networkFileSystem })
}
