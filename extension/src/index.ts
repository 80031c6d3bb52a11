/** The plugins of lablambda. */

import { commands } from './commands/plugin';
import { editor } from './editor/plugin';
import { lab } from './lab/plugin';
import { panel } from './panel/plugin';

export default [lab, editor, panel, commands];
