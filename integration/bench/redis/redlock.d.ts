// The package's own types can't be found from an ES module.
declare module 'redlock' {
  export interface Settings {
    readonly retryCount?: number
    readonly retryDelay?: number
    readonly retryJitter?: number
  }
  // biome-ignore lint/style/noDefaultExport: it is the package's.
  export default class Redlock {
    constructor(clients: readonly object[], settings?: Settings)
    acquire(resources: string[], duration: number): Promise<{ release(): Promise<unknown> }>
  }
}
