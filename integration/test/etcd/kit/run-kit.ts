import { type ConformanceTarget, conformanceCases } from '@locks/core/conformance'
import { afterAll, expect, test } from 'vitest'
import { sourceOf } from '../../../servers/versions.ts'

/** Declares all cases of the kit as tests of this file. */
export function runKit(target: ConformanceTarget): void {
  afterAll(() => target.close?.())
  for (const { name, run, timeout } of conformanceCases(target)) test(name, run, timeout)
}

/** The same where the version can be had. */
export async function runKitOn(
  version: string,
  load: () => Promise<{ readonly target: ConformanceTarget }>,
): Promise<void> {
  const source = await sourceOf('etcd', version)
  if ('missing' in source)
    test(`etcd ${version} is left out, and it is said why`, () => expect(source.help).not.toBe(''))
  else runKit((await load()).target)
}
