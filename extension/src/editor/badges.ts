/** Shows the badge at the end of the magic line. */

import type { Extension } from '@codemirror/state';
import { StateEffect, StateField } from '@codemirror/state';
import { Decoration, type DecorationSet, EditorView, ViewPlugin, WidgetType } from '@codemirror/view';
import type { CodeEditor } from '@jupyterlab/codeeditor';

import type { Lab } from '../lab/lab';
import { type Badge, badge, deployedIn } from './badge';
import { header } from './cell';

const set = StateEffect.define<Badge | null>();

/** `open` is called when a badge is clicked. */
export function badges(model: CodeEditor.IModel, lab: Lab, open: (name: string) => void): Extension {
  const field = StateField.define<Badge | null>({
    create: () => null,
    update: (value, { effects }) => effects.reduce((kept, effect) => (effect.is(set) ? effect.value : kept), value)
  });
  const shown = EditorView.decorations.compute([field, 'doc'], state =>
    decoration(state.doc.toString(), state.field(field), open)
  );
  return [field, shown, ViewPlugin.define(view => new Watcher(view, model, lab, field))];
}

function decoration(text: string, of: Badge | null, open: (name: string) => void): DecorationSet {
  const found = of === null ? null : header(text);
  if (of === null || found === null) {
    return Decoration.none;
  }
  return Decoration.set(Decoration.widget({ widget: new BadgeWidget(of, open), side: 1 }).range(found.end));
}

class BadgeWidget extends WidgetType {
  constructor(
    private readonly of: Badge,
    private readonly open: (name: string) => void
  ) {
    super();
  }

  override eq(other: BadgeWidget): boolean {
    return other.of.kind === this.of.kind && other.of.label === this.of.label;
  }

  toDOM(): HTMLElement {
    const made = document.createElement('button');
    made.className = `lablambda-badge lablambda-badge-${this.of.kind}`;
    made.textContent = this.of.label;
    made.title = this.of.words;
    made.setAttribute('aria-label', `${this.of.words}. Open the panel.`);
    made.tabIndex = -1; // a cell has one stop of Tab; the palette's commands do the same
    made.onclick = () => {
      this.open(this.of.name);
    };
    return made;
  }

  override ignoreEvent(): boolean {
    return true;
  }
}

/** Looks again when the cell, its outputs or the lab change. */
class Watcher {
  private waiting = false;
  private gone = false;

  constructor(
    private readonly view: EditorView,
    private readonly model: CodeEditor.IModel,
    private readonly lab: Lab,
    private readonly field: StateField<Badge | null>
  ) {
    model.sharedModel.changed.connect(this.look, this);
    lab.model.changed.connect(this.look, this);
    this.look();
  }

  destroy(): void {
    this.gone = true;
    this.model.sharedModel.changed.disconnect(this.look, this);
    this.lab.model.changed.disconnect(this.look, this);
  }

  /** Once, a moment later: an editor can't be changed while it changes. */
  private look(): void {
    if (!this.waiting && !this.gone) {
      this.waiting = true;
      setTimeout(() => {
        this.waiting = false;
        this.show();
      });
    }
  }

  private show(): void {
    if (this.gone) {
      return;
    }
    const wanted = this.wanted();
    const current = this.view.state.field(this.field);
    if (wanted?.kind !== current?.kind || wanted?.label !== current?.label) {
      this.view.dispatch({ effects: set.of(wanted) });
    }
  }

  private wanted(): Badge | null {
    const text = this.view.state.doc.toString();
    const name = header(text)?.name;
    if (name === undefined) {
      return null;
    }
    const shared = this.model.sharedModel;
    const outputs = 'getOutputs' in shared ? (shared as { getOutputs(): unknown[] }).getOutputs() : [];
    const { presence } = this.lab.model;
    return badge(text, deployedIn(outputs), presence === 'here' ? this.lab.model.find(name) : null);
  }
}
