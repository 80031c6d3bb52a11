/** A button that copies a text. */

import { Clipboard } from '@jupyterlab/apputils';
import { checkIcon, copyIcon } from '@jupyterlab/ui-components';
import { useState } from 'react';

const SHOWN_MS = 1_500;

export function CopyButton({ what, text }: { what: string; text: string }) {
  const [copied, setCopied] = useState(false);
  const Icon = copied ? checkIcon : copyIcon;
  return (
    <button
      className="lablambda-icon"
      aria-label={`Copy ${what}`}
      title={copied ? 'Copied' : `Copy ${what}`}
      onClick={() => {
        Clipboard.copyToSystem(text);
        setCopied(true);
        setTimeout(() => {
          setCopied(false);
        }, SHOWN_MS);
      }}
    >
      <Icon.react tag="span" />
    </button>
  );
}
