import { Agent, request } from 'node:https'
import type { KubeSetup } from './kube-setup.ts'
import { poll } from './poll.ts'

export interface KubeAnswer {
  readonly status: number
  /** What the JSON says; a text if it is none. */
  readonly body: unknown
}

/** One rule of a Role. */
export interface KubeRule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
  readonly resourceNames?: readonly string[]
}

/** A kubeconfig, of which every client reads the JSON as well. */
export interface KubeConfigFile {
  readonly apiVersion: 'v1'
  readonly kind: 'Config'
  readonly 'current-context': string
  readonly clusters: readonly {
    readonly name: string
    readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string }
  }[]
  readonly users: readonly { readonly name: string; readonly user: { readonly token: string } }[]
  readonly contexts: readonly {
    readonly name: string
    readonly context: { readonly cluster: string; readonly user: string; readonly namespace: string }
  }[]
}

const rbac = 'rbac.authorization.k8s.io'

/** An apiserver on 127.0.0.1 as its clients see it. */
export class KubeApi {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly url: string
  /** Whom to trust, as PEM. */
  readonly ca: string
  /** Of one who may do everything (`system:masters`). */
  readonly adminToken: string
  /** A connection for each request: the server may be killed between two. */
  readonly #agent: Agent

  constructor(port: number, { ca, adminToken }: KubeSetup) {
    this.port = port
    this.url = `https://127.0.0.1:${port}`
    this.ca = ca
    this.adminToken = adminToken
    this.#agent = new Agent({ ca, keepAlive: false })
  }

  /** What a client needs to come as the owner of a token. Default: the admin, in the namespace `default`. */
  kubeConfig(token: string = this.adminToken, namespace = 'default'): KubeConfigFile {
    const ca = Buffer.from(this.ca).toString('base64')
    return {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [{ name: 'test', cluster: { server: this.url, 'certificate-authority-data': ca } }],
      users: [{ name: 'test', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace } }],
    }
  }

  /** One request. Default: as the admin; with the token '' as nobody. Rejects without an answer within 10 s. */
  ask(method: string, path: string, body?: unknown, token: string = this.adminToken): Promise<KubeAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<KubeAnswer>()
    const sent = request(`${this.url}${path}`, {
      method,
      agent: this.#agent,
      signal: AbortSignal.timeout(10_000),
      headers: {
        ...(token === '' ? {} : { Authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
    })
    sent.once('error', reject)
    sent.once('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
      })
      response.once('error', reject)
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body: parsed(text) }))
    })
    sent.end(body === undefined ? undefined : JSON.stringify(body))
    return promise
  }

  /** Resolves with its version if it serves and all that it does at its start is done; else rejects. */
  async ready(): Promise<string> {
    const { status, body } = await this.ask('GET', '/readyz?verbose')
    if (status !== 200) throw new Error(`it is not ready: ${body}`)
    const { gitVersion } = (await this.#done('GET', '/version')) as { readonly gitVersion: string }
    return gitVersion.replace(/^v/, '')
  }

  /** Creates a namespace. Resolves with its name. */
  async namespace(name: string): Promise<string> {
    await this.#done('POST', '/api/v1/namespaces', { metadata: { name } })
    return name
  }

  /**
   * Creates a ServiceAccount that may do what the rules say, in its namespace. Resolves with its token, of an hour, once the
   * rules are in force.
   */
  async user(name: string, rules: readonly KubeRule[], namespace = 'default'): Promise<string> {
    const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`
    const policies = `/apis/${rbac}/v1/namespaces/${namespace}`
    const metadata = { name }
    await this.#done('POST', accounts, { metadata })
    await this.#done('POST', `${policies}/roles`, { metadata, rules })
    await this.#done('POST', `${policies}/rolebindings`, {
      metadata,
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
      roleRef: { apiGroup: rbac, kind: 'Role', name },
    })
    const { status } = (await this.#done('POST', `${accounts}/${name}/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 3600 },
    })) as { readonly status: { readonly token: string } }
    for (const rule of rules) {
      await poll(`${name} may ${rule.verbs.join()}`, () => this.#allowed(status.token, namespace, rule))
    }
    return status.token
  }

  /** Whether the owner of a token may do the first thing that a rule allows. */
  async #allowed(token: string, namespace: string, rule: KubeRule): Promise<boolean> {
    const [resource = '', subresource] = rule.resources[0]?.split('/') ?? []
    const name = rule.resourceNames?.[0]
    const attributes = { namespace, verb: rule.verbs[0], group: rule.apiGroups[0], resource, subresource, name }
    const review = { spec: { resourceAttributes: attributes } }
    const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
    const answer = (await this.#done('POST', path, review, token)) as {
      readonly status: { readonly allowed: boolean }
    }
    return answer.status.allowed
  }

  async #done(method: string, path: string, body?: unknown, token?: string): Promise<unknown> {
    const answer = await this.ask(method, path, body, token)
    if (answer.status < 300) return answer.body
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  }
}

/** An apiserver for a test that does nothing to the process. */
export interface Kube extends KubeApi {
  /** What it tells of itself: `1.20.2`. */
  readonly version: string
  /** Ends it and removes what it stored. Idempotent. */
  stop(): Promise<void>
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
