import type { Finding } from '@locks/core'
import type { Access } from './access.ts'
import { VERBS, type Verb } from './role.ts'

/** What was seen of a cluster. */
export interface Facts {
  readonly namespace: string
  readonly server: string
  readonly canWatch: boolean
  readonly access: Access
  /** Whether the server stamps who wrote what, and when; undefined if that may not be tried. */
  readonly stamps: boolean | undefined
  readonly serverClockSkew: number
  /** Median of some reads, in milliseconds; undefined if that is not allowed. */
  readonly latency: number | undefined
  /** Milliseconds that a request may take. */
  readonly timeout: number
}

/** A round trip may take this part of a request's time: beyond, little is left for repeating it. */
const QUICK = 1 / 20

type Judge = (subject: string, message: string) => Finding

const finding =
  (severity: Finding['severity']): Judge =>
  (subject, message) => ({ severity, subject, message })
const ok: Judge = finding('ok')
const risk: Judge = finding('risk')
const unknown: Judge = finding('unknown')

/** One line each on what was looked at. */
export const findingsFrom = (facts: Facts): readonly Finding[] => [
  ...access(facts),
  watch(facts),
  stamps(facts),
  latency(facts),
  ok('clock', 'nothing depends on how this machine’s clock is set'),
]

const verbs = Object.keys(VERBS) as readonly Verb[]

function access({ access, namespace, server }: Facts): readonly Finding[] {
  const where = `in the namespace ${namespace} at ${server}`
  if (verbs.every((verb) => access[verb] === undefined))
    return [unknown('access', `what is allowed ${where} can't be asked with an api object: give kubeConfig`)]
  const denied = verbs.filter((verb) => access[verb] !== true)
  if (denied.length === 0) return [ok('access', `all that is needed ${where} is allowed`)]
  return denied.map((verb) =>
    risk(
      'access',
      `not allowed to ${verb} leases ${where}, which is needed to ${VERBS[verb]}: add the verb to the Role`,
    ),
  )
}

function watch({ canWatch, access }: Facts): Finding {
  if (!canWatch) return risk('watch', 'an api object can’t watch: who waits asks twice a second; give kubeConfig')
  if (access.watch === false) return risk('watch', 'watching is not allowed: who waits asks every two seconds')
  return ok('watch', 'who waits hears of a release at once')
}

function stamps({ stamps, serverClockSkew }: Facts): Finding {
  const otherwise = 'who looks at a lock for the first time waits for its whole ttl before it replaces a dead holder'
  if (serverClockSkew === Number.POSITIVE_INFINITY) return ok('stamps', `not used (serverClockSkew): ${otherwise}`)
  if (stamps === undefined) return unknown('stamps', 'whether the server stamps its writes can’t be tried')
  if (!stamps) return risk('stamps', `the server does not stamp who wrote what (managedFields): ${otherwise}`)
  return ok(
    'stamps',
    `the server stamps its writes; a holder that was silent for its ttl and ${serverClockSkew + 1_000} ms is replaced at first sight`,
  )
}

function latency({ latency, timeout }: Facts): Finding {
  if (latency === undefined) return unknown('latency', 'reading is not allowed')
  const took = `a read takes ${Math.round(latency * 10) / 10} ms`
  if (latency > timeout * QUICK)
    return risk('latency', `${took}, of a requestTimeout of ${timeout} ms: little is left for repeating it`)
  return ok('latency', took)
}
