/**
 * HTML that is safe by construction: whatever a template does not write itself is escaped, since
 * the names in a report are chosen by whoever runs the processes.
 */
import { printable } from '../printable.ts';

/** Finished HTML. Made by `html` and `raw` only. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Part = string | number | Markup | undefined | readonly Part[];

/** A template whose strings are escaped, whose lists are joined, and whose gaps are left out. */
export function html(literals: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(literals.reduce((text, literal, i) => text + textOf(parts[i - 1]) + literal));
}

/** HTML from a constant of our own, such as the style sheet. */
export function raw(text: string): Markup {
  return new Markup(text);
}

function textOf(part: Part): string {
  if (part === undefined) return '';
  if (part instanceof Markup) return part.text;
  if (typeof part === 'object') return part.map(textOf).join('');
  return escapeHtml(printable(String(part)));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
