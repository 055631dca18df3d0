# task site: joins every page with its header and footer
case "$1" in
site)
    mkdir -p dist/css
    for page in pages/*.body; do
        name=$(basename "$page" .body)
        cat parts/header "$page" parts/footer | sed "s/@TITLE@/$name/" > "dist/$name.html"
    done
    tr -d '\n' < style.css > dist/css/style.min.css
    ;;
*)
    echo "unknown task: $1" >&2
    exit 2
    ;;
esac
