import js from '@eslint/js';
import ts from 'typescript-eslint';

export default ts.config({ ignores: ['src/style/**'] }, js.configs.recommended, ts.configs.strictTypeChecked, ts.configs.stylisticTypeChecked, {
  languageOptions: { parserOptions: { project: './tests/tsconfig.json', tsconfigRootDir: import.meta.dirname } },
  rules: {
    // Numbers read well in templates.
    '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
    // JupyterLab's tokens have an interface and a value of one name.
    '@typescript-eslint/no-redeclare': 'off'
  }
});
