import { backendFromUrl, type LockBackend } from '@locks/core'
import { defaultBackend, registerScheme } from './adapters.ts'
import { usageError } from './exit.ts'
import { importModule } from './import-module.ts'

const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):/

/** The backend of a URL, else the file backend in its default directory. `module` is loaded before a backend is made. */
export async function openBackend(url: string | undefined, module: string | undefined): Promise<LockBackend> {
  const scheme = url === undefined ? undefined : SCHEME.exec(url)?.[1]?.toLowerCase()
  if (url !== undefined && scheme === undefined)
    throw usageError(
      `the backend ${JSON.stringify(url)} is no URL: write file:///srv/locks, redis://localhost:6379 or the like`,
    )
  if (scheme !== undefined) await registerScheme(scheme)
  if (module !== undefined) await importModule(module)
  return url === undefined ? defaultBackend() : backendFromUrl(url)
}

/** A backend that can keep a hold alive for as long as another process of this host lives: the file backend. */
export interface StandsFor {
  /** In what is written from now on, a hold of this process counts as dead only once `pid` is gone too. */
  standFor(pid: number): void
}

/** Asked by shape, so that @locks/core need not know of it. */
export function asStandsFor(backend: LockBackend): StandsFor | undefined {
  return 'standFor' in backend && typeof backend.standFor === 'function'
    ? (backend as LockBackend & StandsFor)
    : undefined
}
