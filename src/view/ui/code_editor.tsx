/**
 * A code editor. It lives in a shadow tree, where its style sheets are adopted instead of written into
 * the page: the content security policy of the page allows no other.
 */
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import {
  HighlightStyle,
  StreamLanguage,
  type StringStream,
  syntaxHighlighting,
} from '@codemirror/language';
import { Annotation, EditorState } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useLayoutEffect, useRef } from 'react';
import { flushSync } from 'react-dom';

interface CodeEditorProps {
  readonly label: string;
  readonly text: string;
  readonly onChange: (text: string) => void;
  /** Ctrl-Enter. */
  readonly onRun: () => void;
}

/** Of a change that comes from outside. */
const isGiven = Annotation.define<boolean>();

const language = StreamLanguage.define({
  name: 'script',
  token(stream: StringStream) {
    if (stream.sol() && stream.match(/\s*cpu\s+\d+[^:]*:/i)) return 'keyword';
    if (stream.match(/#.*|\/\/.*/)) return 'comment';
    if (stream.match(/"(?:\\.|[^"\\])*"?/)) return 'string';
    if (stream.match(/0x[0-9a-f]+|\d+/i)) return 'number';
    if (stream.match(/[A-Z][A-Z0-9_]+\b/)) return 'atom';
    if (stream.match(/[a-z_]\w*(?=\s*\()/i)) return 'variableName.function';
    if (stream.match(/\w+/)) return 'variableName';
    stream.next();
    return null;
  },
});

const highlighting = syntaxHighlighting(
  HighlightStyle.define([
    { tag: tags.keyword, color: 'var(--bad)', fontWeight: '700' },
    { tag: tags.comment, color: 'var(--soft)' },
    { tag: tags.string, color: 'var(--good)' },
    { tag: tags.number, color: 'var(--warn)' },
    { tag: tags.atom, color: 'var(--code-constant)' },
    { tag: tags.function(tags.variableName), color: 'var(--accent)' },
  ]),
);

const look = EditorView.theme({
  '&': { height: '100%', backgroundColor: 'var(--panel)', color: 'var(--ink)' },
  '.cm-scroller': { font: 'var(--mono)', fontSize: '13px', lineHeight: '1.5' },
  '.cm-gutters': {
    backgroundColor: 'var(--well)',
    color: 'var(--soft)',
    border: 'none',
  },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--line-now)' },
  '&.cm-focused': { outline: '2px solid var(--focus)', outlineOffset: '-2px' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground':
    { backgroundColor: 'var(--selection)' },
});

export function CodeEditor({ label, text, onChange, onRun }: CodeEditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const told = useRef({ onChange, onRun });
  told.current = { onChange, onRun };
  // biome-ignore lint/correctness/useExhaustiveDependencies: made once; the next effect follows `text`.
  useEffect(() => {
    const element = place.current!;
    const root = element.shadowRoot ?? element.attachShadow({ mode: 'open' });
    const run = (): boolean => {
      told.current.onRun();
      return true;
    };
    const state = EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        history(),
        drawSelection(),
        highlightActiveLine(),
        language,
        highlighting,
        look,
        keymap.of([{ key: 'Mod-Enter', run }, ...defaultKeymap, ...historyKeymap]),
        EditorView.contentAttributes.of({ 'aria-label': label }),
        EditorView.updateListener.of((update) => {
          const isTyped = !update.transactions.some((each) => each.annotation(isGiven) === true);
          if (!update.docChanged || !isTyped) return;
          // At once: what is typed next, or run, is to be that of this text.
          flushSync(() => told.current.onChange(update.state.doc.toString()));
        }),
      ],
    });
    const made = new EditorView({ state, parent: root, root });
    view.current = made;
    return () => made.destroy();
  }, []);
  useLayoutEffect(() => {
    const shown = view.current;
    if (shown === null || shown.state.doc.toString() === text) return;
    const changes = { from: 0, to: shown.state.doc.length, insert: text };
    shown.dispatch({ changes, annotations: isGiven.of(true) });
  }, [text]);
  return <div ref={place} className="code-editor" />;
}
