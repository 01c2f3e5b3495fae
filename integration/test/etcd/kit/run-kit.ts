import { spawnSync } from 'node:child_process'
import { type ConformanceTarget, conformanceCases } from '@locks/core/conformance'
import { afterAll, expect, test } from 'vitest'
import { sourceOf } from '../../../servers/versions.ts'

/** Declares all cases of the kit as tests of this file. */
export function runKit(target: ConformanceTarget): void {
  afterAll(() => target.close?.())
  for (const { name, run, timeout } of conformanceCases(target)) test(name, run, timeout)
}

/** The version of the program on the PATH, on which the other targets run. */
const onPath = spawnSync('etcd', ['--version'], { encoding: 'utf8' }).stdout ?? ''

/** The same where the version can be had, and is another than on the PATH. */
export async function runKitOn(
  version: string,
  load: () => Promise<{ readonly target: ConformanceTarget }>,
): Promise<void> {
  const source = await sourceOf('etcd', version)
  if (onPath.includes(`Version: ${version}.`))
    test(`etcd ${version} is on the PATH: other targets run on it`, () => expect(onPath).toContain('etcd Version'))
  else if ('missing' in source)
    test(`etcd ${version} is left out, and it is said why`, () => expect(source.help).not.toBe(''))
  else runKit((await load()).target)
}
