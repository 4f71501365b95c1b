#!/usr/bin/env bash
# One command per step of problem 4; `./translate.sh` lists them. What comes after the command goes on to translate.py,
# for example `./translate.sh translation_encoder --vectors none`. Results land in submission/, under the names that you
# upload.
set -euo pipefail
unset CDPATH  # with it, cd could go elsewhere, and would print where
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

python=${PYTHON:-python}
data=data
out=submission

usage() {
    cat <<'END'
Usage: ./translate.sh COMMAND [OPTIONS OF translate.py, such as --preset full]
END
    # ### ONLY_IN 4a ###
    cat <<'END'

an encoder (part 4a)
  translation_encoder                train it, with word vectors     -> translation.encoder.params
END
    # ### END_ONLY_IN ###
    # ### ONLY_IN 4c ###
    cat <<'END'

a decoder, from scratch (part 4c)
  translation_scratch                train on pairs of sentences     -> translation.scratch.params
  translation_eval_dev_scratch       translate the dev sentences     -> translation.scratch.dev.predictions
  translation_eval_test_scratch      translate the test sentences    -> translation.scratch.test.predictions

a decoder, from a pretrained start (part 4c)
  translation_pretrain               train on sentences with gaps    -> translation.pretrain.params
  translation_finetune               go on with pairs of sentences   -> translation.finetune.params
  translation_eval_dev_finetune      translate the dev sentences     -> translation.finetune.dev.predictions
  translation_eval_test_finetune     translate the test sentences    -> translation.finetune.test.predictions
END
    # ### END_ONLY_IN ###
}

# evaluate MODEL SPLIT SENTENCES [OPTIONS...]
evaluate() {
    local model=$1 split=$2 sentences=$3
    shift 3
    "$python" translate.py evaluate --start="$out/translation.$model.params" --corpus="$data/$sentences" \
        --out="$out/translation.$model.$split.predictions" "$@"
}

command=${1:-}
[ $# -gt 0 ] && shift

case "$command" in
    translation_encoder | translation_scratch | translation_pretrain)
        "$python" translate.py "${command#translation_}" --out="$out/${command/_/.}.params" "$@" ;;
    translation_finetune)
        "$python" translate.py finetune --start="$out/translation.pretrain.params" \
            --out="$out/translation.finetune.params" "$@" ;;
    translation_eval_dev_scratch | translation_eval_dev_finetune)
        evaluate "${command##*_}" dev translation_dev.tsv "$@" ;;
    translation_eval_test_scratch | translation_eval_test_finetune)
        evaluate "${command##*_}" test translation_test_inputs.tsv "$@" ;;

    "" | -h | --help | help)
        usage ;;
    *)
        echo "translate.sh: no command '$command'" >&2
        usage >&2
        exit 2 ;;
esac
