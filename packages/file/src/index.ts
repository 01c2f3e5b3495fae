export { defaultDirectory } from './directory.ts'
export { type FileBackend, fileBackend } from './file-backend.ts'
export type { FileBackendOptions } from './options.ts'
