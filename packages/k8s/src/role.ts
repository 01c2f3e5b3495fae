/** The API's words for what is done with Leases. */
export type Verb = 'get' | 'create' | 'update' | 'watch' | 'list' | 'delete'

/** What for. `delete` is asked for only by housekeeping. */
export const VERBS: Readonly<Record<Verb, string>> = {
  get: 'read a lock',
  create: 'use a lock for the first time',
  update: 'take, renew and release a lock',
  watch: 'hear at once of a release',
  list: 'list locks, find those that nobody uses any more, and watch',
  delete: 'remove locks that nobody uses any more',
}

/** The Role that everything works with, as YAML. */
export const roleText = (namespace: string): string => `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: locks
  namespace: ${namespace}
rules:
  - apiGroups: [coordination.k8s.io]
    resources: [leases]
    verbs: [${Object.keys(VERBS).join(', ')}]`
