import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { link } from './link.ts'

/** Beside this module in `dist`, too. */
const SHEETS = new URL('./style/', import.meta.url)
const NAMES = ['colors', 'page', 'cases', 'timeline', 'print']

export const style = (): string => NAMES.map((name) => readFileSync(new URL(`${name}.css`, SHEETS), 'utf8')).join('\n')

export const script = (): string => link(new URL(`./client/main${extname(import.meta.url)}`, import.meta.url))

/** What a content security policy calls a script by. */
export const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
