import type { RequestOptions } from 'node:https'

/** What is used of @kubernetes/client-node, 1.4 and 2: by shape, so that the user's own copy of it fits. */

export interface LeaseObject {
  readonly apiVersion?: string | undefined
  readonly kind?: string | undefined
  readonly metadata?: LeaseMetadata | undefined
  readonly spec?: LeaseSpec | undefined
}

export interface LeaseMetadata {
  readonly name?: string | undefined
  readonly namespace?: string | undefined
  readonly uid?: string | undefined
  readonly resourceVersion?: string | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly managedFields?: readonly ManagedFields[] | undefined
}

export interface ManagedFields {
  readonly manager?: string | undefined
  readonly time?: Date | string | undefined
  readonly fieldsV1?: object | undefined
}

export interface LeaseSpec {
  readonly holderIdentity?: string | undefined
  readonly leaseDurationSeconds?: number | undefined
  readonly acquireTime?: Date | string | undefined
  readonly renewTime?: Date | string | undefined
  readonly leaseTransitions?: number | undefined
}

export interface Answer<T> {
  readonly headers: Readonly<Record<string, string>>
  readonly data: T
}

export interface LeaseList {
  readonly metadata?: { readonly _continue?: string | undefined } | undefined
  readonly items: readonly LeaseObject[]
}

/** A request on its way, to which a middleware may add: an abort signal, and what keeps connections (by version). */
export interface RequestContext {
  setSignal(signal: AbortSignal): void
  getAgent?(): unknown
  setAgent?(agent: never): void
  getDispatcher?(): unknown
  setDispatcher?(dispatcher: never): void
}

export interface CallOptions {
  readonly middleware?: {
    pre(context: RequestContext): { toPromise(): Promise<RequestContext> }
    post(response: never): { toPromise(): Promise<unknown> }
  }[]
  readonly middlewareMergeStrategy?: 'replace' | 'append' | 'prepend'
}

interface Named {
  readonly name: string
  readonly namespace: string
}

/** A `CoordinationV1Api`. */
export interface LeaseApi {
  readNamespacedLeaseWithHttpInfo(request: Named, options?: CallOptions): Promise<Answer<LeaseObject>>
  listNamespacedLeaseWithHttpInfo(
    request: {
      readonly namespace: string
      readonly labelSelector?: string
      readonly limit?: number
      readonly _continue?: string
    },
    options?: CallOptions,
  ): Promise<Answer<LeaseList>>
  createNamespacedLeaseWithHttpInfo(
    request: { readonly namespace: string; readonly body: LeaseObject; readonly dryRun?: string },
    options?: CallOptions,
  ): Promise<Answer<LeaseObject>>
  replaceNamespacedLeaseWithHttpInfo(
    request: Named & { readonly body: LeaseObject; readonly fieldManager?: string },
    options?: CallOptions,
  ): Promise<Answer<LeaseObject>>
  deleteNamespacedLeaseWithHttpInfo(
    request: Named & {
      readonly body?: { readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string } }
    },
    options?: CallOptions,
  ): Promise<Answer<unknown>>
}

/** A `KubeConfig` with something loaded into it. */
export interface KubeConfig {
  getCurrentCluster(): { readonly server: string } | null
  getCurrentContext(): string
  getContextObject(name: string): { readonly namespace?: string | undefined } | null
  applyToHTTPSOptions(options: RequestOptions): Promise<void>
}
