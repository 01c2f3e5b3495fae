import type { Cluster } from './connecting.ts'
import { Connections } from './connections.ts'
import { VERBS, type Verb } from './role.ts'

/** A verb is allowed, or not; undefined: it could not be asked. */
export type Access = Readonly<Record<Verb, boolean | undefined>>

interface ReviewApi {
  createSelfSubjectAccessReview(
    request: {
      readonly body: {
        readonly spec: {
          readonly resourceAttributes: {
            readonly group: string
            readonly resource: string
            readonly namespace: string
            readonly verb: string
            readonly name?: string
          }
        }
      }
    },
    options?: object,
  ): Promise<{ readonly status?: { readonly allowed: boolean } }>
}

const NOTHING: Access = {
  get: undefined,
  create: undefined,
  update: undefined,
  watch: undefined,
  list: undefined,
  delete: undefined,
}

/** Asks the API server what this user may do with Leases, or the one of a name: a SelfSubjectAccessReview for each verb. */
export async function accessTo(
  { config, namespace }: Cluster,
  name: string | undefined,
  timeout: number,
): Promise<Access> {
  if (config === undefined) return NOTHING
  const { AuthorizationV1Api } = await import('@kubernetes/client-node')
  const makers = config as unknown as { makeApiClient(api: unknown): ReviewApi }
  const api = makers.makeApiClient(AuthorizationV1Api)
  const connections = new Connections()
  try {
    const answers = await Promise.all(
      Object.keys(VERBS).map(async (verb): Promise<[string, boolean | undefined]> => {
        const resource = { group: 'coordination.k8s.io', resource: 'leases', namespace, verb }
        const resourceAttributes = name === undefined ? resource : { ...resource, name }
        const options = connections.options(AbortSignal.timeout(timeout))
        const body = {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectAccessReview',
          spec: { resourceAttributes },
        }
        const { status } = await api.createSelfSubjectAccessReview({ body }, options)
        return [verb, status?.allowed]
      }),
    )
    return { ...NOTHING, ...Object.fromEntries(answers) }
  } finally {
    connections.close()
  }
}
