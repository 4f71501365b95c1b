"""From one reference solution to everything a term needs: template, student.zip, autograder.zip, handouts, manifest.

In reading order:

- strip/: reference text -> template text, and the grammar of the solution blocks in between
- lists: allow.toml, what may be released and to whom
- template: reference_solution/ -> student_template/, and whether that is up to date
- keys, termdata, training: the term's key and data; the reference trained on it, with a record of on what
- handouts/: the handout and the staff handout, from the graded tests and handouts/
- package, previous: reproducible zips, stamp and manifest; an earlier manifest, read again for a hotfix
- leaks/: solution text, hidden graded tests, answers and the key, searched for in the finished artefacts
- selfcheck: the finished artefacts, used as their readers will use them
- release, tables: the steps in order, and what they show; nothing is kept of a release that fails
"""
