import { isUtf8 } from 'node:buffer';
import { holdsMyNumber } from '@tsunagu/kernel';
import { Problem } from './problem.js';

/** Nesting of objects and arrays in a request body. */
export const jsonDepthMax = 20;

/** Keys that reach a prototype when an object is copied member by member. */
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
const QUOTE = 0x22;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/**
 * A request body as JSON, stricter than RFC 8259 where readers disagree: valid UTF-8, at most 20 levels, no key twice, no
 * key that names a prototype, no number beyond a double, no NUL and no lone surrogate (PostgreSQL holds neither).
 * An empty body is undefined. Throws the Problem `request.invalid`, or `request.my_number` where a text has a My Number in it: the law
 * lets nobody collect it for what this platform does, so it goes no further than this.
 */
export function parseJsonBody(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  if (!isUtf8(body)) throw invalid('The body is not valid UTF-8.');
  const text = body.toString('utf8');
  const members = countMembers(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid('The body is not well-formed JSON.');
  }
  // Colons outside strings are members as written; a key written twice leaves one member fewer in the value.
  if (checkedMembers(value) !== members) throw invalid('The body names a member twice.');
  return value;
}

/** A form's fields as an object of texts. Throws the Problem `request.invalid` for a field that is named twice, and where a body of JSON would be refused. */
export function parseForm(body: string): Readonly<Record<string, string>> {
  const fields = [...new URLSearchParams(body)];
  const form = Object.fromEntries(fields);
  if (checkedMembers(form) !== fields.length) throw invalid('The form names a field twice.');
  return form;
}

/** Colons outside strings, while the nesting stays within its limit. */
function countMembers(text: string): number {
  let depth = 0;
  let members = 0;
  for (let index = 0; index < text.length; index++) {
    switch (text.charCodeAt(index)) {
      case QUOTE:
        index = endOfString(text, index);
        break;
      case COLON:
        members++;
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        if (++depth > jsonDepthMax) throw invalid(`The body is nested deeper than ${jsonDepthMax} levels.`);
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth--;
    }
  }
  return members;
}

/** The index of the quote that closes a string: one with an even number of backslashes before it. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end > 0) {
    let first = end;
    while (text.charCodeAt(first - 1) === BACKSLASH) first--;
    if ((end - first) % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

function checkedMembers(value: unknown): number {
  if (typeof value === 'string') {
    checkText(value);
    return 0;
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw invalid('The body has a number out of range.');
    return 0;
  }
  if (value === null || typeof value !== 'object') return 0;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + checkedMembers(item), 0);
  let members = 0;
  for (const [key, member] of Object.entries(value)) {
    if (FORBIDDEN_KEYS.has(key)) throw invalid('The body has a member name that is not allowed.');
    checkText(key);
    members += 1 + checkedMembers(member);
  }
  return members;
}

function checkText(text: string): void {
  if (text.includes('\0') || !text.isWellFormed()) throw invalid('The body has a character that is not allowed.');
  if (holdsMyNumber(text)) throw new Problem({ code: 'request.my_number' });
}

function invalid(detail: string): Problem {
  return new Problem({ code: 'request.invalid', detail });
}
