import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { defaultDirectory, fileBackend } from '../src/index.ts'

describe('fileBackend', () => {
  test('without arguments keeps its locks in one fixed place of the account', () => {
    expect(fileBackend().location).toBe(defaultDirectory())
    expect(fileBackend({}).location).toBe(defaultDirectory())
    expect(defaultDirectory()).toMatch(/^\/.*\/\.local\/state\/locks$/)
  })

  test('takes a path, relative to the current directory', () => {
    expect(fileBackend('/srv/app/locks').location).toBe('/srv/app/locks')
    expect(fileBackend('locks/').location).toBe(resolve('locks'))
    expect(fileBackend({ directory: '/srv/../srv/locks' }).location).toBe('/srv/locks')
    expect(fileBackend('./file:x').location).toBe(join(process.cwd(), 'file:x'))
  })

  test.each([
    ['file:', defaultDirectory()],
    ['file://', defaultDirectory()],
    ['file:?networkFileSystem=false', defaultDirectory()],
    ['file:///srv/app/locks', '/srv/app/locks'],
    ['file:/srv/app/locks', '/srv/app/locks'],
    ['file://localhost/srv/app/locks', '/srv/app/locks'],
    ['file:///srv/my%20app/locks?networkFileSystem=true', '/srv/my app/locks'],
  ])('takes the URL %s', (url, directory) => {
    expect(fileBackend(url).location).toBe(directory)
  })

  test('takes a URL object', () => {
    expect(fileBackend(new URL('file:///srv/app/locks')).location).toBe('/srv/app/locks')
  })

  test.each([
    ['file:locks', /file:\/\/\/absolute\/path/],
    ['file:///', /file:\/\/\/absolute\/path/],
    ['file://server/share', /file:\/\/\/absolute\/path/],
    ['file:///srv/locks#1', /file:\/\/\/absolute\/path/],
    ['file:///srv/locks?ttl=5', /"ttl"/],
    ['file:///srv/locks?networkFileSystem=yes', /networkFileSystem is "yes"/],
    ['', /directory is ""/],
    ['a\0b', /directory is/],
    [{ dir: '/srv' }, /unknown option "dir"/],
    [{ directory: 5 }, /directory is 5/],
    [{ networkFileSystem: 1 }, /networkFileSystem is 1/],
    [7, /options is 7/],
  ])('refuses %j with a TypeError', (given, message) => {
    expect(() => fileBackend(given as string)).toThrow(TypeError)
    expect(() => fileBackend(given as string)).toThrow(message)
  })

  test('states a lesser guarantee for a network file system', () => {
    const { capabilities } = fileBackend({ directory: '/srv/locks', networkFileSystem: true })
    expect(capabilities.guarantee).toMatchObject({ scope: 'network', deadHolder: 'after its ttl' })
    expect(capabilities.wakeup).toBe('poll')
    expect(fileBackend('/srv/locks').capabilities.guarantee).toMatchObject({ scope: 'host', deadHolder: 'at once' })
  })

  test.each([0, -1, 1.5, Number.NaN, '1'])('standFor refuses %j', (pid) => {
    expect(() => fileBackend('/srv/locks').standFor(pid as number)).toThrow(TypeError)
  })
})
