import type { Capabilities } from '../src/index.ts'
import { NativeBackend } from './native-backend.ts'
import { NativeServer } from './native-server.ts'

/** Remembers nothing of what was given up: a request that arrives late is carried out. */
export class ForgetfulServer extends NativeServer {
  protected override stale(): boolean {
    return false
  }

  protected override bury(): void {}
}

/** A client of such a server, which says so. */
export class ForgetfulBackend extends NativeBackend {
  static override readonly capabilities: Capabilities = {
    ...NativeBackend.capabilities,
    guarantee: { ...NativeBackend.capabilities.guarantee, lateRequests: 'run out' },
  }
  override readonly capabilities: Capabilities = ForgetfulBackend.capabilities
}
