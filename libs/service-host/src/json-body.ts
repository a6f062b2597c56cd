import { isUtf8 } from 'node:buffer';
import { Problem } from './problem.js';

/** Nesting of objects and arrays in a request body. */
export const jsonDepthMax = 20;

/** Keys that reach a prototype when an object is copied member by member. */
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
const QUOTE = 34;
const BACKSLASH = 92;

/**
 * A request body as JSON, stricter than RFC 8259 where readers disagree: valid UTF-8, at most 20 levels, no key twice, no
 * key that names a prototype, no number beyond a double, no NUL and no lone surrogate (PostgreSQL holds neither).
 * An empty body is undefined. Throws the Problem `request.invalid`.
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

/** Colons outside strings, while the nesting stays within its limit. */
function countMembers(text: string): number {
  let depth = 0;
  let members = 0;
  let insideString = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (insideString) {
      if (code === BACKSLASH) index++;
      else if (code === QUOTE) insideString = false;
    } else if (code === QUOTE) insideString = true;
    else if (code === 58) members++;
    else if (code === 123 || code === 91) {
      if (++depth > jsonDepthMax) throw invalid(`The body is nested deeper than ${jsonDepthMax} levels.`);
    } else if (code === 125 || code === 93) depth--;
  }
  return members;
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
}

function invalid(detail: string): Problem {
  return new Problem({ code: 'request.invalid', detail });
}
