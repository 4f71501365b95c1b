"""From one reference solution to everything a term needs: template, student.zip, autograder.zip, handouts, manifest.

In reading order:

- findings: `file:line: message`, and the refusal that carries all of them
- markers: the grammar of markers, canaries and stub lines, line by line
- blocks: the solution blocks of a text
- bindings, python_rules, languages, notebook: what a language asks of a block and of its stub
- strip: reference text -> template text
- lists: allow.toml, what may be released and to whom
- template: reference_solution/ -> student_template/, and whether that is up to date
- artefacts, words, leakrules, leaks: solution text searched for in the finished artefacts
- package: reproducible zips, stamp, manifest
- selfcheck: the finished artefacts, used as their readers will use them
- release: the steps in order; nothing is kept of a release that fails
"""
