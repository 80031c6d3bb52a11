/** The plugins of lablambda. */

import { editor } from './editor/plugin';

export default [editor];
