#!/usr/bin/env bash
# One command per step of the assignment; `./run.sh` lists them. What comes after the command goes on to run.py, for
# example `./run.sh vanilla_pretrain --preset full`. Results land in submission/, under the names that you upload.
set -euo pipefail
unset CDPATH  # with it, cd could go elsewhere, and would print where
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

python=${PYTHON:-python}
data=data
out=submission

usage() {
    cat <<'END'
Usage: ./run.sh COMMAND [OPTIONS OF run.py, such as --preset full]
END
    cat <<'END'

without pretraining (parts 1c and 1d)
  vanilla_finetune_without_pretrain    train on names only                    -> vanilla.model.params
  vanilla_eval_dev_without_pretrain    answer the dev questions               -> vanilla.nopretrain.dev.predictions
  vanilla_eval_test_without_pretrain   answer the test questions              -> vanilla.nopretrain.test.predictions
  london_baseline_dev                  score "London" for everyone in dev
END
    cat <<'END'

with pretraining (part 1f)
  vanilla_pretrain                     train on text with a span missing      -> vanilla.pretrain.params
  vanilla_finetune_with_pretrain       go on with names                       -> vanilla.finetune.params
  vanilla_eval_dev_with_pretrain       answer the dev questions               -> vanilla.pretrain.dev.predictions
  vanilla_eval_test_with_pretrain      answer the test questions              -> vanilla.pretrain.test.predictions
END
    cat <<'END'

the perceiver, with pretraining (part 1g)
  perceiver_pretrain                   train on text with a span missing      -> perceiver.pretrain.params
  perceiver_finetune_with_pretrain     go on with names                       -> perceiver.finetune.params
  perceiver_eval_dev_with_pretrain     answer the dev questions               -> perceiver.pretrain.dev.predictions
  perceiver_eval_test_with_pretrain    answer the test questions              -> perceiver.pretrain.test.predictions
END
    cat <<'END'

attention exploration (problem 3)
  attention_pictures                   draw what your queries do, into pictures/
END
    cat <<'END'

at the end
  collect_submission                   pack the upload, say what is missing   -> submission.zip, in this folder
END
}

run() {
    "$python" run.py --pretrain_corpus_path="$data/wiki.txt" "$@"
}

# evaluate VARIANT PARAMS QUESTIONS PREDICTIONS [OPTIONS...]
evaluate() {
    local variant=$1 params=$2 questions=$3 predictions=$4
    shift 4
    run --function=evaluate --variant="$variant" --reading_params_path="$out/$params" \
        --eval_corpus_path="$data/$questions" --outputs_path="$out/$predictions" "$@"
}

# finetune VARIANT PARAMS [OPTIONS...]
finetune() {
    local variant=$1 params=$2
    shift 2
    run --function=finetune --variant="$variant" --finetune_corpus_path="$data/birth_places_train.tsv" \
        --writing_params_path="$out/$params" "$@"
}

command=${1:-}
[ $# -gt 0 ] && shift

case "$command" in
    vanilla_finetune_without_pretrain)
        finetune vanilla vanilla.model.params "$@" ;;
    vanilla_eval_dev_without_pretrain)
        evaluate vanilla vanilla.model.params birth_dev.tsv vanilla.nopretrain.dev.predictions "$@" ;;
    vanilla_eval_test_without_pretrain)
        evaluate vanilla vanilla.model.params birth_test_inputs.tsv vanilla.nopretrain.test.predictions "$@" ;;
    london_baseline_dev)
        run --function=baseline --eval_corpus_path="$data/birth_dev.tsv" --baseline_place=London "$@" ;;

    vanilla_pretrain | perceiver_pretrain)
        variant=${command%%_*}
        run --function=pretrain --variant="$variant" --writing_params_path="$out/$variant.pretrain.params" "$@" ;;
    vanilla_finetune_with_pretrain | perceiver_finetune_with_pretrain)
        variant=${command%%_*}
        finetune "$variant" "$variant.finetune.params" --reading_params_path="$out/$variant.pretrain.params" "$@" ;;
    vanilla_eval_dev_with_pretrain | perceiver_eval_dev_with_pretrain)
        variant=${command%%_*}
        evaluate "$variant" "$variant.finetune.params" birth_dev.tsv "$variant.pretrain.dev.predictions" "$@" ;;
    vanilla_eval_test_with_pretrain | perceiver_eval_test_with_pretrain)
        variant=${command%%_*}
        evaluate "$variant" "$variant.finetune.params" birth_test_inputs.tsv "$variant.pretrain.test.predictions" "$@" ;;

    attention_pictures)
        "$python" attention_pictures.py "$@" ;;
    collect_submission)
        "$python" collect_submission.py "$@" ;;

    "" | -h | --help | help)
        usage ;;
    *)
        echo "run.sh: no command '$command'" >&2
        usage >&2
        exit 2 ;;
esac
