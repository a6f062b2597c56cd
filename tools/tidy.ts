import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** A place and what is wrong there. */
export type Finding = string;

const linesMax = 400;
const sourceFile = /\.(ts|mjs|js|sql)$/;
const vagueFolder = /(^|\/)(common|utils?|helpers?|shared|misc)\//;
/** Built from halves, so that this file and its spec do not find themselves. */
const marker = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|')})\\b`);
const exportAll = /^\s*export \* /m;
const importFrom = /(?:\bfrom|\bimport|\bimport\()\s*'(\.{1,2}\/[^']*)'/g;
const packageFolder = /^(libs|services)\/[^/]+\//;
/** Inline links and images, without their titles; fenced and inline code taken out before. */
const link = /\]\(\s*<?([^)\s>]+)>?[^)]*\)/g;

/** What is untidy in one source file; `path` is relative to the root of the repository. */
export function sourceFindings(path: string, text: string): readonly Finding[] {
  const findings: Finding[] = [];
  if (vagueFolder.test(path)) findings.push(`${path}: a folder's name must say what is in it`);
  const lines = text.split('\n');
  if (lines.length - 1 > linesMax) findings.push(`${path}: ${lines.length - 1} lines, at most ${linesMax}`);
  for (const [index, line] of lines.entries()) {
    if (marker.test(line)) findings.push(`${path}:${index + 1}: a marker of work left undone`);
  }
  if (!sourceFile.test(path)) return findings;
  if (exportAll.test(text)) findings.push(`${path}: exports everything of another file; name what is exported`);
  if (path.endsWith('.spec.ts') && !/\bexpect\b|fc\.assert|verify\w*\(|Suite\(/.test(text)) {
    findings.push(`${path}: a spec that expects nothing`);
  }
  const home = packageFolder.exec(path)?.[0];
  for (const [, target = ''] of text.matchAll(importFrom)) {
    const leads = normalize(join(dirname(path), target));
    if (home && packageFolder.test(leads) && !leads.startsWith(home)) {
      findings.push(`${path}: imports ${target}; another package is imported by its name`);
    }
  }
  return findings;
}

const migration = /^(.*\/migrations)\/(\d+)\.do\.[^/]*\.sql$/;
/** Numbers that were left out before this was checked: a schema past them would never run them. */
const neverUsed = new Set(['services/identity/src/migrations/007']);

/** Migrations that some schema would not run: a schema goes from its newest number on, so a gap cannot be filled later. */
export function migrationFindings(paths: readonly string[]): readonly Finding[] {
  const numbers = new Map<string, string[]>();
  for (const path of paths) {
    const [, folder, number] = migration.exec(path) ?? [];
    if (folder && number) numbers.set(folder, [...(numbers.get(folder) ?? []), number]);
  }
  return [...numbers].flatMap(([folder, given]) => {
    const expected = Array.from({ length: Math.max(...given.map(Number)) }, (_, i) => String(i + 1).padStart(3, '0'));
    return [
      ...expected
        .filter((number) => !given.includes(number) && !neverUsed.has(`${folder}/${number}`))
        .map((number) => `${folder}: no migration ${number}; it would be skipped where the next one has run`),
      ...given
        .filter((number, i) => given.indexOf(number) !== i || neverUsed.has(`${folder}/${number}`))
        .map((number) => `${folder}: ${number} is not free for a migration`),
    ];
  });
}

/** Relative links of a Markdown file that lead nowhere: no such file, or no such heading in it. */
export function linkFindings(root: string, path: string, text: string): readonly Finding[] {
  const findings: Finding[] = [];
  for (const [, target = ''] of withoutCode(text).matchAll(link)) {
    if (/^[a-z][a-z0-9+.-]*:/i.test(target)) continue;
    const [file = '', anchor] = target.split('#');
    const leads = file === '' ? path : normalize(join(dirname(path), decodeURIComponent(file)));
    if (leads.startsWith('..') || !existsSync(join(root, leads))) {
      findings.push(`${path}: the link ${target} leads to no file`);
    } else if (anchor && leads.endsWith('.md') && !anchorsOf(readFileSync(join(root, leads), 'utf8')).has(anchor)) {
      findings.push(`${path}: the link ${target} leads to no heading`);
    }
  }
  return findings;
}

/** Anchors as GitHub makes them: lower case, punctuation gone, spaces to hyphens, a number behind a repetition. */
function anchorsOf(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of withoutFences(markdown).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const words = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const plain = words.replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '').replace(/ /g, '-');
    let anchor = plain;
    for (let count = 1; anchors.has(anchor); count += 1) anchor = `${plain}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

function withoutFences(markdown: string): string {
  return markdown.replace(/^(```|~~~)[\s\S]*?^\1/gm, '');
}

function withoutCode(markdown: string): string {
  return withoutFences(markdown).replace(/`[^`\n]*`/g, '');
}
